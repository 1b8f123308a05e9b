"use strict";
(() => {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

  // Films: a sheet of frames behind a window. They play once when first seen, then rest on the last frame.
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); entry.target.play(); }
  }, { threshold: 0.6 });
  for (const film of document.querySelectorAll(".film")) {
    const { columns, rows, width, height } = film.dataset;
    const labels = film.dataset.labels ? JSON.parse(film.dataset.labels) : null;
    const image = film.querySelector("img"), range = film.querySelector("input");
    const button = film.querySelector(".play"), output = film.querySelector("output");
    const sign = button.firstElementChild, about = button.getAttribute("aria-label").replace("Play: ", "");
    const last = Number(range.max);
    let timer = 0;
    const show = (i) => {
      const x = (i % columns) * (+width + 2) + 1, y = Math.floor(i / columns) * (+height + 2) + 1;
      image.style.transform = `translate(${-100 * x / (columns * (+width + 2))}%, ${-100 * y / (rows * (+height + 2))}%)`;
      output.textContent = labels ? labels[i] : `${i + 1} / ${last + 1}`;
      range.setAttribute("aria-valuetext", output.textContent);
    };
    const stop = () => { clearInterval(timer); timer = 0; sign.textContent = "▶"; button.setAttribute("aria-label", `Play: ${about}`); };
    film.play = () => {
      if (timer) return;
      if (+range.value === last) range.value = 0;
      sign.textContent = "❚❚"; button.setAttribute("aria-label", `Pause: ${about}`);
      timer = setInterval(() => {
        range.value = +range.value + 1; show(+range.value);
        if (+range.value === last) stop();
      }, 90);
    };
    button.addEventListener("click", () => timer ? stop() : film.play());
    range.addEventListener("input", () => { stop(); show(+range.value); });
    addEventListener("beforeprint", () => { stop(); range.value = last; show(last); });
    if ("ready" in film.dataset) { range.value = last; show(last); }
    if (!still) seen.observe(film);
  }

  // Before and after: the range input says where the line is.
  for (const pair of document.querySelectorAll(".pair")) {
    const range = pair.querySelector("input");
    const move = () => pair.style.setProperty("--at", `${range.value}%`);
    range.addEventListener("input", move);
    move();
  }

  // Enlarging: arrows and buttons walk through all figures, Escape closes.
  const viewer = document.getElementById("viewer"), large = viewer.querySelector("img");
  const zooms = [...document.querySelectorAll(".zoom")];
  let current = 0;
  const open = (i) => {
    current = (i + zooms.length) % zooms.length;
    const image = zooms[current].querySelector("img");
    large.src = image.src; large.alt = image.alt; large.className = image.className;
    const room = Math.min(innerWidth - 32, (innerHeight - 160) * image.naturalWidth / image.naturalHeight);
    const natural = image.naturalWidth;
    const width = image.className ? natural * Math.max(1, Math.floor(room / natural)) : Math.min(room, natural * 1.6);
    large.style.width = `${innerWidth < 600 && natural > 600 ? Math.max(width, 720) : width}px`;
    const caption = zooms[current].closest("figure, li").querySelector("figcaption, span:not(.hint)");
    viewer.querySelector(".caption").textContent = caption ? caption.textContent : image.alt;
    viewer.querySelector(".count").textContent = `${current + 1} of ${zooms.length}`;
    if (!viewer.open) viewer.showModal();
  };
  zooms.forEach((zoom, i) => zoom.addEventListener("click", () => open(i)));
  viewer.querySelector(".previous").addEventListener("click", () => open(current - 1));
  viewer.querySelector(".next").addEventListener("click", () => open(current + 1));
  viewer.querySelector(".close").addEventListener("click", () => viewer.close());
  viewer.addEventListener("click", (event) => { if (!event.target.closest("img, button")) viewer.close(); });
  viewer.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") open(current - 1);
    if (event.key === "ArrowRight") open(current + 1);
  });
  viewer.addEventListener("close", () => zooms[current] && zooms[current].focus());

  // What is wider than the screen can be scrolled by the keyboard too.
  const reach = () => {
    for (const box of document.querySelectorAll(".scroll, .equation")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0; else box.removeAttribute("tabindex");
    }
  };
  addEventListener("resize", reach);
  reach();

  // Contents: closed on a phone; the section in view is marked.
  const details = document.querySelector(".toc details");
  if (matchMedia("(max-width: 60rem)").matches) details.open = false;
  const links = new Map([...document.querySelectorAll(".toc a")].map((a) => [a.hash.slice(1), a]));
  const spy = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) {
      for (const link of links.values()) link.removeAttribute("aria-current");
      const link = links.get(entry.target.id);
      if (link) link.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-10% 0px -75% 0px" });
  for (const section of document.querySelectorAll("section[id]")) spy.observe(section);
})();

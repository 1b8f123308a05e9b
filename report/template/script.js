"use strict";
(() => {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

  // Films: a sheet of frames behind a window, and above it the last frame. They play once when first seen, then rest on it.
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); entry.target.play(); }
  }, { threshold: 0.6 });
  for (const film of document.querySelectorAll(".film")) {
    const { columns, rows, width, height } = film.dataset;
    const labels = JSON.parse(film.dataset.labels), rest = film.querySelector(".rest");
    const image = film.querySelector(".reel"), range = film.querySelector("input");
    const button = film.querySelector(".play"), output = film.querySelector("output");
    const sign = button.firstElementChild, about = button.getAttribute("aria-label").replace("Play: ", "");
    const last = Number(range.max);
    let timer = 0;
    const show = (i) => {
      const x = (i % columns) * (+width + 2) + 1, y = Math.floor(i / columns) * (+height + 2) + 1;
      rest.style.opacity = i === last ? 1 : 0;
      image.style.transform = `translate(${-100 * x / (columns * (+width + 2))}%, ${-100 * y / (rows * (+height + 2))}%)`;
      output.textContent = labels[i];
      range.setAttribute("aria-valuetext", output.textContent);
    };
    const stop = () => { clearInterval(timer); timer = 0; sign.textContent = "▶"; button.setAttribute("aria-label", `Play: ${about}`); };
    film.play = () => {
      if (timer) return;
      if (+range.value === last) { range.value = 0; show(0); }
      sign.textContent = "❚❚"; button.setAttribute("aria-label", `Pause: ${about}`);
      timer = setInterval(() => {
        range.value = +range.value + 1; show(+range.value);
        if (+range.value === last) stop();
      }, 90);
    };
    button.addEventListener("click", () => timer ? stop() : film.play());
    range.addEventListener("input", () => { stop(); show(+range.value); });
    addEventListener("beforeprint", () => { stop(); range.value = last; show(last); });
    if (!still) seen.observe(film);
  }

  // Before and after: the range input says where the line is.
  for (const pair of document.querySelectorAll(".pair")) {
    const range = pair.querySelector("input");
    const move = () => pair.style.setProperty("--at", `${range.value}%`);
    range.addEventListener("input", move);
    move();
  }

  // Gestures: hover is the style sheet's; tap, click and Enter keep what hover shows.
  for (const button of document.querySelectorAll(".gesture")) {
    button.addEventListener("click", () => button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true"));
  }

  // Scrubbers: the pictures of one place on the axes at a time, large; the figure itself folds away below.
  // axes: [name, values] each; tiles: what to show (image), where on the axes (at) and in which card (slot).
  const scrubbed = (host, axes, tiles) => {
    const slots = [...new Set(tiles.map((tile) => tile.slot))];
    const known = new Map(tiles.map((tile) => [`${tile.at}|${tile.slot}`, tile.image]));
    const large = document.createElement("div");
    large.className = "large";
    large.style.maxWidth = `${Math.max(22, 15 * slots.length)}rem`;
    for (const slot of slots) {
      const card = document.createElement("div"), image = tiles[0].image.cloneNode();
      image.loading = "eager";
      if (slot.endsWith(", original")) card.className = "beside";
      card.append(image, Object.assign(document.createElement("span"), { className: "under", textContent: slot }));
      large.append(card);
    }
    const knobs = axes.map(([name, values]) => {
      const label = document.createElement("label"), output = document.createElement("output");
      label.className = "controls";
      const range = Object.assign(document.createElement("input"), { type: "range", min: 0, max: values.length - 1, value: Math.floor(values.length / 2) });
      label.append(name, range, output);
      range.addEventListener("input", () => show());
      return { label, range, output, values };
    });
    const show = () => {
      const place = knobs.map(({ range }) => +range.value), last = place.length - 1;
      while (place[last] > 0 && !known.has(`${place}|${slots[0]}`)) place[last]--;  // not every row goes as far
      slots.forEach((slot, i) => {
        const from = known.get(`${place}|${slot}`), to = large.children[i].firstChild;
        if (from) { to.src = from.src; to.alt = from.alt; }
      });
      knobs.forEach(({ range, output, values }, i) => {
        output.textContent = values[place[i]];
        range.setAttribute("aria-valuetext", output.textContent);
      });
    };
    show();
    host.prepend(large, ...knobs.filter(({ values }) => values.length > 1).map(({ label }) => label));
  };
  // The tiles of a grid: columns are the axis, rows are the cards; a column that the axis lacks is left out.
  const gridded = (grid, columns) => {
    const labels = JSON.parse(grid.dataset.columns);
    return [...grid.querySelectorAll(".tile")].map((tile, i) => ({
      at: columns.indexOf(labels[i % labels.length]), slot: tile.dataset.row, image: tile.querySelector("img"),
    })).filter(({ at }) => at >= 0);
  };
  const folded = (figure) => {
    const details = Object.assign(document.createElement("details"), { className: "all" });
    details.append(Object.assign(document.createElement("summary"), { textContent: "All side by side" }), figure.querySelector(".scroll"));
    figure.prepend(details);
  };
  for (const host of document.querySelectorAll(".scrub")) {
    const grids = host.dataset.from.split(" ").map((id) => document.getElementById(id)).filter(Boolean);
    const columns = grids.length ? JSON.parse(grids[0].dataset.columns) : [];
    if (grids.length > 1) scrubbed(host, [[host.dataset.scrub, columns]], grids.flatMap((grid) => gridded(grid, columns)));
  }
  // An edit's original is no place on the axis: it stands beside the edit at every place.
  for (const grid of document.querySelectorAll(".tiles[data-scrub]")) {
    const columns = JSON.parse(grid.dataset.columns).filter((column) => column !== "original");
    const beside = gridded(grid, ["original"]).flatMap(({ slot, image }) => columns.map((_, at) => ({ at, slot: `${slot}, original`, image })));
    folded(grid);
    scrubbed(grid, [[grid.dataset.scrub, columns]], [...gridded(grid, columns), ...beside]);
  }
  for (const sheet of document.querySelectorAll(".sheet[data-axes]")) {
    const tiles = [...sheet.querySelectorAll(".tile")].map((tile) => ({ at: tile.dataset.at, slot: tile.dataset.slot, image: tile.querySelector("img") }));
    folded(sheet);
    scrubbed(sheet, JSON.parse(sheet.dataset.axes), tiles);
  }
  addEventListener("beforeprint", () => { for (const details of document.querySelectorAll("main details")) details.open = true; });

  // Commands can be copied; a page opened from disk may not have the clipboard, so there is the old way too.
  for (const line of document.querySelectorAll(".command")) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "copy", textContent: "Copy" });
    button.addEventListener("click", async () => {
      const code = line.querySelector("code");
      getSelection().selectAllChildren(code);
      const copied = await navigator.clipboard?.writeText(code.textContent).then(() => true, () => false) || document.execCommand("copy");
      button.textContent = copied ? "Copied" : "Selected";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    line.append(button);
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
    const caption = !zooms[current].closest(".tile") && zooms[current].closest("figure, li").querySelector("figcaption, span:not(.hint)");
    viewer.querySelector(".caption").textContent = caption ? caption.textContent : image.alt;
    const exact = viewer.querySelector(".true");
    exact.hidden = !image.dataset.true;
    if (image.dataset.true) exact.firstElementChild.href = image.dataset.true;
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

  // What is wider than the screen can be scrolled by the keyboard too, and says so.
  // The hint changes the box's own size, so it waits for the next frame: within this one the browser would call it an error.
  const sized = new ResizeObserver((entries) => requestAnimationFrame(() => {
    for (const { target: box } of entries) {
      const more = box.scrollWidth > box.clientWidth + 1;
      if (more) box.tabIndex = 0; else box.removeAttribute("tabindex");
      box.classList.toggle("more", more);
    }
  }));
  for (const box of document.querySelectorAll(".scroll, .equation")) sized.observe(box);

  // Contents: on a phone a bar at the top that opens; the section in view is marked.
  const contents = document.querySelector(".toc details"), narrow = matchMedia("(max-width: 60rem)");
  narrow.addEventListener("change", () => { contents.open = !narrow.matches; });
  contents.addEventListener("click", (event) => { if (narrow.matches && event.target.closest("a")) contents.open = false; });
  document.querySelector(".toc").addEventListener("keydown", (event) => {
    if (event.key === "Escape" && narrow.matches) { contents.open = false; contents.querySelector("summary").focus(); }
  });
  const links = new Map([...document.querySelectorAll(".toc a")].map((a) => [a.hash.slice(1), a]));
  const spy = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) {
      for (const link of links.values()) link.removeAttribute("aria-current");
      const link = links.get(entry.target.id);
      if (!link) continue;
      link.setAttribute("aria-current", "true");
      const box = link.getBoundingClientRect(), toc = link.closest(".toc");
      if (!narrow.matches && (box.top < 0 || box.bottom > innerHeight)) toc.scrollTop += box.top - innerHeight / 2;
    }
  }, { rootMargin: "-10% 0px -75% 0px" });
  for (const section of document.querySelectorAll("section[id]")) spy.observe(section);
})();

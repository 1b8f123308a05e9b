"use strict";
// Strokes in the form of fundiff.pictures.sources.Stroke: points [x, y] from 0 to 1, x to the right and y down; in YAML "x,y x,y".
(() => {
  const canvas = document.querySelector("canvas"), pen = canvas.getContext("2d"), size = canvas.width;
  const find = (selector) => document.querySelector(selector), field = (name) => find(`[name=${name}]`);
  const chosen = (name) => find(`[name=${name}]:checked`).value;
  const text = find("textarea"), status = find(".status");
  find(".work").hidden = false;
  let strokes = [], open = null, at = [0.5, 0.5], aimed = false;

  const paint = (stroke, color) => {
    pen.fillStyle = pen.strokeStyle = color;
    const points = stroke.points.map(([x, y]) => [x * size, y * size]), width = Math.max(1, stroke.width * size);
    pen.beginPath();
    points.forEach(([x, y], i) => i ? pen.lineTo(x, y) : pen.moveTo(x, y));
    if (stroke.fill) { pen.fill(); return; }
    pen.lineWidth = width; pen.lineJoin = pen.lineCap = "round";
    if (points.length > 1) pen.stroke();
    else { pen.beginPath(); pen.arc(...points[0], width / 2, 0, 2 * Math.PI); pen.fill(); }
  };
  const mask = () => chosen("kind") === "mask";
  const redraw = (saving = false) => {
    pen.fillStyle = mask() ? (saving ? "black" : "#808080") : field("background").value;
    pen.fillRect(0, 0, size, size);
    const under = find(`img[data-name="${field("over").value}"]`);
    if (under && !saving) pen.drawImage(under, 0, 0, size, size);
    pen.globalAlpha = mask() && !saving ? 0.7 : 1;
    for (const stroke of open ? [...strokes, open] : strokes) paint(stroke, mask() ? "white" : stroke.color);
    pen.globalAlpha = 1;
    if (saving || !aimed) return;
    // where the keyboard's pen is: a ring that is seen on light and on dark
    for (const [color, width] of [["white", 5], ["black", 2]]) {
      pen.strokeStyle = color; pen.lineWidth = width;
      pen.beginPath(); pen.arc(at[0] * size, at[1] * size, 9, 0, 2 * Math.PI); pen.stroke();
    }
  };
  const lines = () => {
    const drawn = strokes.map((stroke) => {
      const points = stroke.points.map((point) => point.map((v) => +v.toFixed(3)).join(",")).join(" ");
      const color = mask() ? "" : `, color: "${stroke.color}"`;
      return `{points: "${points}"${color}, ${stroke.fill ? "fill: true" : `width: ${stroke.width}`}}`;
    });
    const name = field("name").value || "mine";
    find(".about").textContent = mask()
      ? "A mask, for the key “mask” of an example of inpainting or masked_sdedit. New content is drawn where it is white."
      : "A picture, for the section fetch_images.images.";
    if (mask()) return `mask:\n  strokes:\n${drawn.map((line) => `    - ${line}`).join("\n")}\n`;
    return `${name}:\n  background: "${field("background").value}"\n  strokes:\n${drawn.map((line) => `    - ${line}`).join("\n")}\n`;
  };
  const update = () => { redraw(); text.value = strokes.length ? lines() : ""; status.textContent = strokes.length === 1 ? "1 stroke" : `${strokes.length} strokes`; };

  const begin = (point) => { open = { points: [point], color: field("color").value, width: +field("width").value, fill: chosen("tool") === "area" }; };
  const end = () => {
    // An area needs three corners; with fewer it is a line.
    if (open) { if (open.points.length < 3) open.fill = false; strokes.push(open); open = null; }
    update();
  };
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map((v) => Math.min(1, Math.max(0, v)));
  };
  canvas.addEventListener("blur", () => { aimed = false; redraw(); });
  canvas.addEventListener("pointerdown", (event) => { aimed = false; canvas.setPointerCapture(event.pointerId); begin(place(event)); redraw(); });
  canvas.addEventListener("pointermove", (event) => {
    if (!open || !event.buttons) return;
    const point = place(event), last = open.points.at(-1);
    if (Math.hypot(point[0] - last[0], point[1] - last[1]) > 0.012) { open.points.push(point); redraw(); }
  });
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (way) at = at.map((v, i) => Math.min(1, Math.max(0, v + 0.05 * way[i])));
    else if (event.key === " ") { if (open) open.points.push([...at]); else begin([...at]); }
    else if (event.key !== "Enter") return;
    event.preventDefault();
    aimed = true;
    if (event.key === "Enter") { end(); return; }
    redraw();
    status.textContent = `pen at ${at.map((v) => Math.round(100 * v)).join(" %, ")} %`;
  });
  find(".undo").addEventListener("click", () => { strokes.pop(); update(); });
  find(".clear").addEventListener("click", () => { strokes = []; update(); });
  find(".save").addEventListener("click", () => {
    const side = 64, small = Object.assign(document.createElement("canvas"), { width: side, height: side });
    redraw(true);
    small.getContext("2d").drawImage(canvas, 0, 0, side, side);
    redraw();
    Object.assign(document.createElement("a"), { href: small.toDataURL("image/png"), download: `${field("name").value || "mine"}.png` }).click();
  });
  find(".copy").addEventListener("click", async () => {
    text.select();
    const copied = await navigator.clipboard?.writeText(text.value).then(() => true, () => false) || document.execCommand("copy");
    status.textContent = copied ? "Copied" : "Selected";
  });
  for (const input of document.querySelectorAll("input, select")) input.addEventListener("input", update);
  field("width").addEventListener("input", () => { field("width").previousElementSibling.textContent = field("width").value; });
  update();
})();

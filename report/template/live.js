"use strict";
// The flow-matching UNet of src/fundiff/digits/unet.py, batch norm folded into the weights, one picture at a time.
(() => {
  const { hidden, timesteps, at, block, scales, weights } = JSON.parse(document.getElementById("network").textContent);
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
  const scale = new Float32Array(bytes(scales)), names = Object.keys(at).sort((a, b) => at[a] - at[b]);
  const all = Float32Array.from(new Int16Array(bytes(weights)), (value, i) => value * scale[Math.floor(i / block)]);
  const parts = new Map(names.map((name, i) => [name, all.subarray(at[name], at[names[i + 1]])]));
  const of = (name) => [parts.get(`${name}.weight`), parts.get(`${name}.bias`)];

  // erf to 1.5e-7 (Abramowitz and Stegun 7.1.26)
  const gelu = (x) => {
    for (let i = 0; i < x.length; i++) {
      const v = x[i], a = Math.abs(v) * Math.SQRT1_2, t = 1 / (1 + 0.3275911 * a);
      const poly = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
      const erf = 1 - poly * Math.exp(-a * a);
      x[i] = 0.5 * v * (1 + (v < 0 ? -erf : erf));
    }
    return x;
  };
  const padded = (x, channels, side) => {
    const wide = side + 2, out = new Float32Array(channels * wide * wide);
    for (let c = 0; c < channels; c++) for (let y = 0; y < side; y++) {
      out.set(x.subarray((c * side + y) * side, (c * side + y + 1) * side), (c * wide + y + 1) * wide + 1);
    }
    return out;
  };
  // 3 x 3, padding 1
  const conv = (x, name, side, stride = 1) => {
    const [w, b] = of(name), outs = b.length, ins = w.length / outs / 9, wide = side + 2, to = side / stride;
    const from = padded(x, ins, side), out = new Float32Array(outs * to * to);
    for (let o = 0; o < outs; o++) {
      const row = out.subarray(o * to * to, (o + 1) * to * to).fill(b[o]);
      for (let c = 0; c < ins; c++) {
        const k = (o * ins + c) * 9;
        const k0 = w[k], k1 = w[k + 1], k2 = w[k + 2], k3 = w[k + 3], k4 = w[k + 4];
        const k5 = w[k + 5], k6 = w[k + 6], k7 = w[k + 7], k8 = w[k + 8];
        for (let y = 0, p = 0; y < to; y++) {
          let q = (c * wide + y * stride) * wide;
          for (let i = 0; i < to; i++, p++, q += stride) {
            const r = q + wide, s = r + wide;
            row[p] += k0 * from[q] + k1 * from[q + 1] + k2 * from[q + 2] + k3 * from[r] + k4 * from[r + 1]
              + k5 * from[r + 2] + k6 * from[s] + k7 * from[s + 1] + k8 * from[s + 2];
          }
        }
      }
    }
    return out;
  };
  // transposed 4 x 4, stride 2, padding 1: each of the four parities of the output is a 2 x 2 convolution
  const up = (x, name, side) => {
    const [w, b] = of(name), outs = b.length, ins = w.length / outs / 16, wide = side + 2, to = 2 * side;
    const from = padded(x, ins, side), out = new Float32Array(outs * to * to);
    for (let o = 0; o < outs; o++) {
      out.fill(b[o], o * to * to, (o + 1) * to * to);
      for (let c = 0; c < ins; c++) for (let py = 0; py < 2; py++) for (let px = 0; px < 2; px++) {
        const k = (c * outs + o) * 16, top = (py ? 0 : 1) * 4, low = top + 8, left = px ? 0 : 1;
        const near = w[k + low + left + 2], right = w[k + low + left], below = w[k + top + left + 2], far = w[k + top + left];
        for (let y = 0; y < side; y++) {
          let q = (c * wide + y + py) * wide + px, p = (o * to + 2 * y + py) * to + px;
          for (let i = 0; i < side; i++, q++, p += 2) {
            out[p] += near * from[q] + right * from[q + 1] + below * from[q + wide] + far * from[q + wide + 1];
          }
        }
      }
    }
    return out;
  };
  const linear = (x, name) => {
    const [w, b] = of(name);
    return Float32Array.from(b, (value, o) => x.reduce((sum, v, i) => sum + v * w[o * x.length + i], value));
  };
  const told = (x, name) => linear(gelu(linear(x, `${name}.0`)), `${name}.2`);
  const convs = (x, name, side) => gelu(conv(gelu(conv(x, `${name}.0.0`, side)), `${name}.1.0`, side));
  const joined = (a, b) => { const out = new Float32Array(a.length + b.length); out.set(a); out.set(b, a.length); return out; };
  const condition = (h, c, t) => {
    const area = h.length / c.length;
    return h.map((v, i) => c[Math.floor(i / area)] * v + t[Math.floor(i / area)]);
  };
  const encode = (x) => {
    const first = convs(x, "conv", 28);
    const second = convs(gelu(conv(first, "down1.0.0", 28, 2)), "down1.1", 14);
    const third = convs(gelu(conv(second, "down2.0.0", 14, 2)), "down2.1", 7);
    const flat = gelu(Float32Array.from({ length: 2 * hidden }, (_, c) => third.subarray(c * 49, c * 49 + 49).reduce((a, b) => a + b, 0) / 49));
    const [w, b] = of("unflatten.0"), wide = new Float32Array(2 * hidden * 49);
    for (let o = 0; o < 2 * hidden; o++) for (let k = 0; k < 49; k++) {
      let sum = b[o];
      for (let c = 0; c < 2 * hidden; c++) sum += flat[c] * w[(c * 2 * hidden + o) * 49 + k];
      wide[o * 49 + k] = sum;
    }
    return [first, second, third, gelu(wide)];
  };
  const decode = ([first, second, third, wide], time, onehot) => {
    let h = condition(wide, told(onehot, "c1"), told([time], "t1"));
    h = condition(convs(gelu(up(joined(h, third), "up1.0.0", 7)), "up1.1", 14), told(onehot, "c2"), told([time], "t2"));
    h = convs(gelu(up(joined(h, second), "up2.0.0", 14)), "up2.1", 28);
    return conv(convs(joined(h, first), "out.0", 28), "out.1", 28);
  };
  const onehot = (label) => Array.from({ length: 10 }, (_, i) => +(i === label));
  const nothing = onehot(-1);
  const direction = (x, time, label, guidance) => {
    const features = encode(x), without = guidance === 1 && label >= 0 ? null : decode(features, time, nothing);
    if (label < 0) return without;
    const withIt = decode(features, time, onehot(label));
    return without ? without.map((u, i) => u + guidance * (withIt[i] - u)) : withIt;
  };
  // The places of `calls` steps from a place on: evenly spaced whole timesteps, as fundiff.sampling.loop.strided has them.
  const even = (v) => { const r = Math.round(v); return r - v === 0.5 && r % 2 ? r - 1 : r; };
  const places = (calls, from = 0) => {
    const high = timesteps * (1 - from) - 1, list = [];
    for (let i = 0; i < calls; i++) list.push(1 - (even(calls > 1 ? high * (1 - i / (calls - 1)) : high) + 1) / timesteps);
    return [...list, 1];
  };
  const sample = async (starts, labels, guidance, calls, seen = () => {}, from = 0, stopped = () => false) => {
    const xs = starts.map((x) => Float32Array.from(x)), at = places(calls, from);
    for (let i = 0; i < calls; i++) {
      for (let n = 0; n < xs.length; n++) {
        const u = direction(xs[n], at[i], labels[n], guidance), h = at[i + 1] - at[i];
        for (let k = 0; k < 784; k++) xs[n][k] += h * u[k];
        await new Promise((go) => setTimeout(go));
        if (stopped()) return null;
      }
      seen(xs, i + 1);
    }
    return xs;
  };
  const noise = (seed, count) => {
    let state = seed >>> 0;
    const uniform = () => {  // mulberry32
      state = (state + 0x6d2b79f5) >>> 0;
      let v = Math.imul(state ^ (state >>> 15), state | 1);
      v = (v + Math.imul(v ^ (v >>> 7), v | 61)) ^ v;
      return ((v ^ (v >>> 14)) >>> 0) / 4294967296;
    };
    return Float32Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()));
  };
  window.fundiffLive = { sample, direction, noise };

  const root = document.querySelector(".live");
  if (!root) return;
  root.hidden = false;
  const find = (selector) => root.querySelector(selector), value = (name) => find(`[name=${name}]`).value;
  const show = (canvas, x) => {
    const pen = canvas.getContext("2d", { willReadFrequently: true }), image = pen.createImageData(28, 28);
    for (let i = 0; i < 784; i++) {
      const level = 255 * Math.min(1, Math.max(0, x[i]));
      image.data.set([level, level, level, 255], 4 * i);
    }
    pen.putImageData(image, 0, 0);
  };
  const status = find(".status"), box = find(".digits"), steps = Number;
  let run = 0, drawn = [];
  const draw = async () => {
    const mine = ++run, digit = value("digit"), calls = steps(value("calls"));
    const labels = digit === "all" ? [...Array(10).keys()] : Array(10).fill(+digit);
    const starts = labels.map((_, i) => noise(1000 * value("seed") + i, 784));
    box.replaceChildren(...labels.map(() => Object.assign(document.createElement("canvas"), { width: 28, height: 28 })));
    starts.forEach((x, i) => show(box.children[i], x));
    const begun = performance.now();
    const done = await sample(starts, labels, +value("guidance"), calls, (xs, call) => {
      xs.forEach((x, i) => show(box.children[i], x));
      status.textContent = `call ${call} of ${calls}`;
    }, 0, () => mine !== run);
    if (!done) return;
    drawn = done;
    box.setAttribute("aria-label", `The network drew ${digit === "all" ? "the digits 0 to 9" : `ten times the digit ${digit}`}`);
    status.textContent = `${calls} calls, ${((performance.now() - begun) / 1000).toFixed(1)} s`;
    root.dataset.ready = mine;
  };
  find(".go").addEventListener("click", draw);
  for (const range of root.querySelectorAll("input[type=range]")) {
    range.addEventListener("input", () => { range.previousElementSibling.textContent = range.name === "noise" ? `${range.value}%` : range.value; });
  }

  const paper = find(".paper"), ink = new Float32Array(784);
  let last = null;
  const dab = (to) => {
    const from = last || to, count = Math.ceil(2 * Math.hypot(to[0] - from[0], to[1] - from[1])) + 1;
    for (let n = 1; n <= count; n++) {
      const x = from[0] + (to[0] - from[0]) * n / count, y = from[1] + (to[1] - from[1]) * n / count;
      for (let i = 0; i < 784; i++) {
        const d = Math.hypot(i % 28 + 0.5 - x, Math.floor(i / 28) + 0.5 - y);
        ink[i] = Math.max(ink[i], Math.min(1, Math.max(0, 1.9 - d)));
      }
    }
    last = to;
    show(paper, ink);
  };
  const place = (event) => {
    const rect = paper.getBoundingClientRect();
    return [28 * (event.clientX - rect.left) / rect.width, 28 * (event.clientY - rect.top) / rect.height];
  };
  paper.addEventListener("pointerdown", (event) => { paper.setPointerCapture(event.pointerId); last = null; dab(place(event)); });
  paper.addEventListener("pointermove", (event) => { if (event.buttons) dab(place(event)); });
  // By keyboard the pen is a grey spot; Space puts it down and lifts it.
  let tip = [14, 14], down = false;
  const aim = () => { const seen = ink.slice(); seen[28 * Math.floor(tip[1]) + Math.floor(tip[0])] = 0.5; show(paper, seen); };
  paper.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way && event.key !== " ") return;
    event.preventDefault();
    if (way) tip = tip.map((v, i) => Math.min(27, Math.max(0, v + way[i])));
    else { down = !down; last = null; }
    if (down) dab(tip);
    aim();
  });
  paper.addEventListener("blur", () => { down = false; show(paper, ink); });
  show(paper, ink);
  const restore = async () => {
    const mine = ++run, from = 1 - value("noise") / 100, eps = noise(+value("seed"), 784);
    const start = ink.map((v, i) => from * v + (1 - from) * eps[i]);
    show(find(".noised"), start);
    const label = value("taken") === "" ? -1 : +value("taken");
    const done = await sample([start], [label], +value("guidance"), steps(value("calls")), (xs) => show(find(".denoised"), xs[0]), from, () => mine !== run);
    if (done) root.dataset.restored = mine;
  };
  find(".restore").addEventListener("click", restore);
  find(".clear").addEventListener("click", () => { ink.fill(0); show(paper, ink); });
  find(".borrow").addEventListener("click", () => { if (drawn.length) { ink.set(drawn[0].map((v) => Math.min(1, Math.max(0, v)))); show(paper, ink); } });
  // The first digits are drawn when they come into view, so that opening the page costs nothing.
  new IntersectionObserver((entries, watcher) => { if (entries.some((e) => e.isIntersecting)) { watcher.disconnect(); draw(); } }).observe(root);
})();

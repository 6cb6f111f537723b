"use strict";
(() => {
  const said = (id) => JSON.parse(document.getElementById(id).textContent);
  const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));
  const SHOWN_ROWS = matchMedia("(max-width: 46rem)").matches ? 8 : 20;
  const about = said("about");
  let plot = null;
  let home = null;

  Bokeh.set_log_level("warn");
  const drawn = said("drawn");
  Bokeh.embed.embed_items(drawn.documents, drawn.places).then(() => {
    plot = model("map");
    home = about.whole;
    plot.on_event("mousemove", (event) => read(event.x, event.y));
    plot.on_event("tap", (event) => read(event.x, event.y));
    plot.on_event("mouseleave", () => read(NaN, NaN));
    model("targets source").selected.change.connect(() => mark(model("targets source").selected.indices));
    all('.layers input[type="radio"]').forEach((input) => { if (input.checked) layer(input.value); });
    all('.layers input[type="checkbox"]').forEach(over);
    document.documentElement.dataset.ready = "yes";
  });

  function model(name) { return Bokeh.documents[0].get_model_by_name(name); }
  function view() { return [plot.x_range.start, plot.x_range.end, plot.y_range.start, plot.y_range.end]; }
  function show([left, right, bottom, top]) {
    plot.x_range.setv({ start: left, end: right });
    plot.y_range.setv({ start: bottom, end: top });
  }
  function around(x, y, width) {
    const ratio = (home[3] - home[2]) / (home[1] - home[0]);
    const wide = Math.min(Math.max(width, about.least_view), home[1] - home[0]);
    show([x - wide / 2, x + wide / 2, y - wide * ratio / 2, y + wide * ratio / 2]);
  }
  function zoom(factor) { const [l, r, b, t] = view(); around((l + r) / 2, (b + t) / 2, (r - l) * factor); }
  function push(right, up) {
    const [l, r, b, t] = view();
    const x = (r - l) * 0.15 * right, y = (t - b) * 0.15 * up;
    show([l + x, r + x, b + y, t + y]);
  }

  // what is under the pointer: the numbers of the raster itself, never of its colours
  function read(x, y) {
    const col = Math.floor((x - about.west) / about.side), row = Math.floor((y - about.south) / about.side);
    const inside = col >= 0 && row >= 0 && col < about.cols && row < about.rows;
    document.querySelector("[data-place]").textContent = inside ? degrees(x, y) : "Point at the map, or touch it.";
    const cells = model("cells");
    for (const [name, how] of Object.entries(about.layers)) {
      const value = inside ? cells.get_column(name)[0][row * about.cols + col] : undefined;
      document.querySelector(`[data-value="${name}"]`).textContent = value === undefined ? "—" : text(value, how);
    }
  }
  function text(value, how) {
    if (how.kind === "class") return how.names[value] ?? "none";
    if (how.kind === "share") return value === about.not_known ? "none" : (value / about.parts).toFixed(4);
    return Number.isNaN(value) ? "none" : String(Number(value.toPrecision(5)));
  }
  function degrees(x, y) {
    const n = about.lattice.n - 1;
    const u = Math.min(Math.max((x - about.west) / (about.side * about.cols) * n, 0), n), v = Math.min(Math.max((y - about.south) / (about.side * about.rows) * n, 0), n);
    const i = Math.min(Math.floor(u), n - 1), j = Math.min(Math.floor(v), n - 1), p = u - i, q = v - j;
    const at = (k) => {
      const z = about.lattice[k], w = n + 1;
      return (1 - q) * ((1 - p) * z[j * w + i] + p * z[j * w + i + 1]) + q * ((1 - p) * z[(j + 1) * w + i] + p * z[(j + 1) * w + i + 1]);
    };
    const lat = at("lat"), lon = at("lon");
    return `${Math.abs(lat).toFixed(3)}° ${lat < 0 ? "S" : "N"}, ${Math.abs(lon).toFixed(3)}° ${lon < 0 ? "W" : "E"}`;
  }

  // layers and what is drawn over them
  function layer(name) {
    for (const other of Object.keys(about.layers)) model(`layer ${other}`).visible = other === name;
    all(".legend[data-layer]").forEach((legend) => { legend.hidden = legend.dataset.layer !== name; });
  }
  function over(input) {
    const names = input.value === "targets" ? ["targets", "discs", "ranks"] : [input.value];
    for (const name of names) { const drawing = model(name); if (drawing) drawing.visible = input.checked; }
  }
  all('.layers input[type="radio"]').forEach((input) => input.addEventListener("change", () => layer(input.value)));
  all('.layers input[type="checkbox"]').forEach((input) => input.addEventListener("change", () => over(input)));
  const moves = { in: () => zoom(0.5), out: () => zoom(2), whole: () => show(home) };
  all("[data-move]").forEach((button) => button.addEventListener("click", () => moves[button.dataset.move]()));
  const keys = { ArrowLeft: () => push(-1, 0), ArrowRight: () => push(1, 0), ArrowUp: () => push(0, 1), ArrowDown: () => push(0, -1), "+": moves.in, "=": moves.in, "-": moves.out, 0: moves.whole };
  document.getElementById("map").addEventListener("keydown", (event) => {
    if (plot && keys[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) { keys[event.key](); event.preventDefault(); }
  });

  // targets
  const table = document.getElementById("targets");
  const bodies = table ? all("tbody", table) : [];
  const more = document.getElementById("all-rows");
  let whole = bodies.length <= SHOWN_ROWS;

  function mark(indices) { bodies.forEach((body) => body.classList.toggle("chosen", indices.includes(Number(body.dataset.row)))); }
  function go(body) {
    if (!plot) return;
    const [left, bottom, right, top] = body.dataset.bounds.split(" ").map(Number);
    const ratio = (home[1] - home[0]) / (home[3] - home[2]);
    around((left + right) / 2, (bottom + top) / 2, 4 * Math.max(right - left, (top - bottom) * ratio));
    model("targets source").selected.indices = [Number(body.dataset.row)];
    mark([Number(body.dataset.row)]);
    document.getElementById("map-part").scrollIntoView({ block: "start" });
  }
  function cut() {
    const rows = all("tbody", table);
    rows.forEach((body, place) => { body.hidden = !whole && place >= SHOWN_ROWS; });
    more.hidden = bodies.length <= SHOWN_ROWS;
    more.textContent = whole ? `Show the first ${SHOWN_ROWS}` : `Show all ${bodies.length}`;
  }
  function compare(a, b, down) {
    if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? 1 : -1;
    const x = Number(a), y = Number(b), words = Number.isNaN(x) || Number.isNaN(y);
    const less = words ? (a < b ? -1 : a > b ? 1 : 0) : x - y;
    return down ? -less : less;
  }
  function sort(name, down) {
    const key = (body) => body.getAttribute(`data-${name.replaceAll("_", "-")}`) ?? undefined;
    bodies.slice().sort((a, b) => compare(key(a), key(b), down) || a.dataset.row - b.dataset.row).forEach((body) => table.append(body));
    all("th[aria-sort]", table).forEach((th) => th.setAttribute("aria-sort", th.firstElementChild.dataset.sort === name ? (down ? "descending" : "ascending") : "none"));
    document.getElementById("sort").value = name;
    document.getElementById("descending").checked = down;
    cut();
  }
  if (table) {
    const down = document.getElementById("descending"), by = document.getElementById("sort");
    all("[data-sort]", table).forEach((button) => button.addEventListener("click", () => {
      const now = button.parentElement.getAttribute("aria-sort");
      sort(button.dataset.sort, now === "none" ? button.dataset.sort !== "rank" : now === "ascending");
    }));
    by.addEventListener("change", () => sort(by.value, down.checked));
    down.addEventListener("change", () => sort(by.value, down.checked));
    more.addEventListener("click", () => { whole = !whole; cut(); });
    bodies.forEach((body) => {
      const open = body.querySelector(".open"), rest = body.querySelector(".rest");
      open.addEventListener("click", (event) => {
        rest.hidden = !rest.hidden;
        open.setAttribute("aria-expanded", String(!rest.hidden));
        event.stopPropagation();
      });
      body.querySelector(".main").addEventListener("click", () => { if (!String(getSelection())) go(body); });
    });
    by.value = "rank";
    cut();
  }

  // other tables
  all("table.sheet").forEach((sheet) => all("[data-column]", sheet).forEach((button) => button.addEventListener("click", () => {
    const th = button.parentElement, place = Number(button.dataset.column), body = sheet.tBodies[0];
    const down = th.getAttribute("aria-sort") === "none" ? th.classList.contains("number") : th.getAttribute("aria-sort") === "ascending";
    const key = (row) => row.cells[place].dataset.value;
    Array.from(body.rows).sort((a, b) => compare(key(a), key(b), down)).forEach((row) => body.append(row));
    all("th[aria-sort]", sheet).forEach((other) => other.setAttribute("aria-sort", other === th ? (down ? "descending" : "ascending") : "none"));
  })));
})();

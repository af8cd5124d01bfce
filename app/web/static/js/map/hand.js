// What hands do on the map: drag, wheel, pinch, keys, and drawing a line around points. Emits "point" and "open" with a
// place on the screen, "centre" for what lies nearest to the middle, "draw" and "drawn" with the lasso's line, and "leave".

const STILL_PX = 4;
const STEP_PX = 90;
const ZOOM_STEP = 1.5;
const CORNER_PX = 3;

const KEYS = {
  ArrowLeft: (view) => view.panBy(STEP_PX, 0),
  ArrowRight: (view) => view.panBy(-STEP_PX, 0),
  ArrowUp: (view) => view.panBy(0, STEP_PX),
  ArrowDown: (view) => view.panBy(0, -STEP_PX),
  "+": (view) => view.zoomBy(ZOOM_STEP),
  "=": (view) => view.zoomBy(ZOOM_STEP),
  "-": (view) => view.zoomBy(1 / ZOOM_STEP),
  0: (view) => view.fit(),
};

export class Hand extends EventTarget {
  #canvas;
  #view;
  #pointers = new Map();
  #start = null;
  #line = null;
  /** Whether dragging draws a line; shift does so, too. */
  lassoes = false;

  constructor(canvas, view) {
    super();
    this.#canvas = canvas;
    this.#view = view;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.#up(event));
    canvas.addEventListener("pointerleave", () => this.#emit("leave"));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("dblclick", (event) => view.zoomAt(2, [event.offsetX, event.offsetY]));
  }

  #down(event) {
    if (event.button !== 0) return;
    this.#canvas.setPointerCapture(event.pointerId);
    const place = [event.offsetX, event.offsetY];
    this.#pointers.set(event.pointerId, place);
    if (this.#pointers.size > 1) {
      this.#line = this.#start = null; // a second finger pinches
      return this.#emit("draw", null);
    }
    this.#start = place;
    if (this.lassoes || event.shiftKey) this.#line = [place];
  }

  #move(event) {
    const place = [event.offsetX, event.offsetY];
    const before = this.#pointers.get(event.pointerId);
    if (!before) return event.pointerType === "mouse" && this.#emit("point", place);
    if (this.#pointers.size > 1) this.#pinch(event.pointerId, place);
    else if (this.#line) this.#draw(place);
    else if (!this.#isStill(place)) this.#view.pan(place[0] - before[0], place[1] - before[1]);
    else return;
    this.#pointers.set(event.pointerId, place);
  }

  #up(event) {
    const wasDown = this.#pointers.delete(event.pointerId);
    if (!wasDown) return;
    const place = [event.offsetX, event.offsetY];
    const line = this.#line;
    this.#line = null;
    if (event.type === "pointerup" && this.#start && this.#isStill(place)) this.#emit("open", place);
    else if (line?.length > 2) this.#emit("drawn", line);
    if (line) this.#emit("draw", null);
    this.#start = null;
  }

  /** Whether the hand has hardly moved since it came down; once it has moved it is never still again. */
  #isStill(place) {
    if (!this.#start) return false;
    if (distance(place, this.#start) < STILL_PX) return true;
    if (!this.#line) this.#start = null;
    return false;
  }

  #draw(place) {
    if (distance(place, this.#line.at(-1)) < CORNER_PX) return;
    this.#line.push(place);
    this.#emit("draw", this.#line);
  }

  #pinch(id, place) {
    const [other] = [...this.#pointers].filter(([each]) => each !== id).map(([, each]) => each);
    const before = this.#pointers.get(id);
    const [middle, middleBefore] = [between(place, other), between(before, other)];
    this.#view.pan(middle[0] - middleBefore[0], middle[1] - middleBefore[1]);
    this.#view.zoomAt(distance(place, other) / Math.max(1, distance(before, other)), middle);
  }

  #wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const speed = event.ctrlKey ? 0.01 : 0.0018; // a pinch on a touchpad comes as a wheel with ctrl
    this.#view.zoomAt(Math.exp(-event.deltaY * lines * speed), [event.offsetX, event.offsetY]);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" || event.key === " ") this.#emit("centre");
    else if (KEYS[event.key]) KEYS[event.key](this.#view);
    else return;
    event.preventDefault();
  }

  #emit(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

const distance = ([x, y], [x1, y1]) => Math.hypot(x - x1, y - y1);
const between = ([x, y], [x1, y1]) => [(x + x1) / 2, (y + y1) / 2];

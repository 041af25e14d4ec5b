// The speed of an upload in its last seconds, and the time that is left.

const SPAN = 20; // seconds that count
const EVERY = 0.5;
const LEAST = 2; // seconds after which a speed is known

/** `add` notes the share that is done, from 0 to 1, and the number of projects; the others return null if unknown. */
export class Pace {
  #samples = [];

  add(share, count) {
    const at = performance.now() / 1000;
    if (at - (this.#samples.at(-1)?.at ?? 0) < EVERY) return;
    this.#samples.push({ at, share, count });
    while (at - this.#samples[0].at > SPAN) this.#samples.shift();
  }

  /** Projects in a second. */
  get rate() {
    return this.#speed("count");
  }

  /** Seconds until all is done. */
  get left() {
    const speed = this.#speed("share");
    return speed ? (1 - this.#samples.at(-1).share) / speed : null;
  }

  #speed(name) {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || last.at - first.at < LEAST) return null;
    const speed = (last[name] - first[name]) / (last.at - first.at);
    return speed > 0 ? speed : null;
  }
}

import { widened } from "./columns.ts";

/**
 * Paths of one family as columns: 17 octets a path and nothing for the collector to trace. Paths
 * stand in blocks that belong to one peer each, so that the peer is not written beside every path,
 * a walk over one peer's paths runs through consecutive memory, and losing a peer takes all its
 * paths out of the game by marking blocks: storage is handed back later, block by block.
 *
 * The chain of a prefix (`next`) is kept by whoever holds its head. Path 0 is no path.
 */
export class PathStore {
  /** Row of the prefix; 0 marks a free place. */
  prefix: Uint32Array = new Uint32Array(PATHS_INITIAL);
  /** Attribute set as received. */
  received: Uint32Array = new Uint32Array(PATHS_INITIAL);
  /** Attribute set after import policy, or REJECTED with the number of the reason. */
  accepted: Uint32Array = new Uint32Array(PATHS_INITIAL);
  /** Next (older) path of the prefix, or next free place of the peer. */
  next: Uint32Array = new Uint32Array(PATHS_INITIAL);
  /** Bits of `PathMark`. */
  marks: Uint8Array = new Uint8Array(PATHS_INITIAL);
  /** By block: the peer slot, or DEAD. */
  #owner = new Uint16Array(PATHS_INITIAL >> BLOCK_BITS).fill(DEAD);
  /** The first block is never given out, so that path 0 is none. */
  #blockEnd = 1;
  readonly #freeBlocks: number[] = [];
  readonly #holdings: (Holding | undefined)[] = [];
  readonly #dying: number[] = [];

  /** The peer slot of a path; undefined where its session is gone. */
  slotOf(path: number): number {
    return this.#owner[path >>> BLOCK_BITS] ?? DEAD;
  }

  /** Paths a peer has. */
  countOf(slot: number): number {
    return this.#holdings[slot]?.count ?? 0;
  }

  /** Of those, with `PathMark.Stale`. */
  staleCountOf(slot: number): number {
    return this.#holdings[slot]?.stale ?? 0;
  }

  /** Sets the bits of `PathMark`. */
  mark(path: number, marks: number): void {
    const change = (marks & PathMark.Stale) - ((this.marks[path] ?? 0) & PathMark.Stale);
    this.marks[path] = marks;
    const slot = this.slotOf(path);
    if (change !== 0 && slot !== DEAD) this.#holdingOf(slot).stale += change;
  }

  allocate(slot: number): number {
    const holding = this.#holdingOf(slot);
    holding.count += 1;
    const path = holding.free;
    if (path !== 0) {
      holding.free = this.next[path] ?? 0;
      return path;
    }
    if ((holding.top & BLOCK_MASK) === 0) {
      const block = this.#takeBlock();
      this.#owner[block] = slot;
      holding.blocks.push(block);
      holding.top = block << BLOCK_BITS;
    }
    const fresh = holding.top;
    holding.top = fresh + 1;
    return fresh;
  }

  /** Gives the place of a path back; whoever calls has taken it out of its prefix's chain. */
  free(path: number): void {
    const slot = this.slotOf(path);
    this.mark(path, 0);
    this.prefix[path] = 0;
    if (slot === DEAD) return; // its block goes back as a whole
    const holding = this.#holdingOf(slot);
    holding.count -= 1;
    if (holding.count === 0) {
      for (const block of holding.blocks) this.#giveBlock(block);
      this.#holdings[slot] = undefined;
      return;
    }
    this.next[path] = holding.free;
    holding.free = path;
  }

  /** Takes every path of the peer out of the game; `takeDead` hands them out for reclaiming. */
  kill(slot: number): void {
    const holding = this.#holdings[slot];
    if (holding === undefined) return;
    for (const block of holding.blocks) {
      this.#owner[block] = DEAD;
      this.#dying.push(block);
    }
    this.#holdings[slot] = undefined;
  }

  get hasDead(): boolean {
    return this.#dying.length > 0;
  }

  /**
   * Walks one block of dead paths; `reclaim` takes each out of its chain and frees it. Returns how
   * many there were.
   */
  reclaimBlock(reclaim: (path: number) => void): number {
    const block = this.#dying.pop();
    if (block === undefined) return 0;
    let count = 0;
    const end = (block + 1) << BLOCK_BITS;
    for (let path = block << BLOCK_BITS; path < end; path += 1) {
      if (this.prefix[path] === 0) continue;
      reclaim(path);
      count += 1;
    }
    this.#giveBlock(block);
    return count;
  }

  /** Blocks of a peer, for walks in slices; a peer's list only grows while it has paths. */
  blockCountOf(slot: number): number {
    return this.#holdings[slot]?.blocks.length ?? 0;
  }

  forEachInBlock(slot: number, index: number, visit: (path: number) => void): void {
    const block = this.#holdings[slot]?.blocks[index];
    if (block === undefined) return;
    const end = (block + 1) << BLOCK_BITS;
    for (let path = block << BLOCK_BITS; path < end; path += 1) {
      if (this.prefix[path] !== 0 && this.#owner[block] === slot) visit(path);
    }
  }

  /** Every path of a peer, copied: for peers with few. */
  pathsOf(slot: number): number[] {
    const paths: number[] = [];
    for (let index = 0; index < this.blockCountOf(slot); index += 1) {
      this.forEachInBlock(slot, index, (path) => paths.push(path));
    }
    return paths;
  }

  /** One past the highest path ever used. */
  get end(): number {
    return this.#blockEnd << BLOCK_BITS;
  }

  #holdingOf(slot: number): Holding {
    let holding = this.#holdings[slot];
    if (holding === undefined) {
      holding = { blocks: [], free: 0, top: 0, count: 0, stale: 0 };
      while (this.#holdings.length < slot) this.#holdings.push(undefined);
      this.#holdings[slot] = holding;
    }
    return holding;
  }

  #takeBlock(): number {
    const free = this.#freeBlocks.pop();
    if (free !== undefined) return free;
    if (this.#blockEnd << BLOCK_BITS === this.prefix.length) this.#grow(this.prefix.length * 2);
    this.#blockEnd += 1;
    return this.#blockEnd - 1;
  }

  #giveBlock(block: number): void {
    const start = block << BLOCK_BITS;
    this.prefix.fill(0, start, start + BLOCK_PATHS);
    this.marks.fill(0, start, start + BLOCK_PATHS);
    this.#owner[block] = DEAD;
    this.#freeBlocks.push(block);
  }

  #grow(capacity: number): void {
    this.prefix = widened(this.prefix, capacity);
    this.received = widened(this.received, capacity);
    this.accepted = widened(this.accepted, capacity);
    this.next = widened(this.next, capacity);
    this.marks = widened(this.marks, capacity);
    this.#owner = widened(this.#owner, capacity >> BLOCK_BITS).fill(DEAD, this.#blockEnd);
  }
}

/** What one peer holds of the store. */
interface Holding {
  readonly blocks: number[];
  /** First free place in its blocks. */
  free: number;
  /** Next never used place of its last block; block-aligned when that is full. */
  top: number;
  count: number;
  /** Paths with `PathMark.Stale`: it is bit 0, so marks can be counted by subtracting. */
  stale: number;
}

/** Paths of a prefix whose peer is gone belong to no slot. */
export const DEAD = 0xffff;
/** Set in `accepted` where import refused the path; the other bits number the reason. */
export const REJECTED = 0x8000_0000;
export const isRejected = (accepted: number): boolean => accepted >= REJECTED;

export const PathMark = {
  /** RFC 7313 §4, RFC 4724 §4.2: not said again since the peer began to say everything again. */
  Stale: 1,
  /** Still stale when the peer had sent everything; removed in slices. */
  Doomed: 2,
} as const;

const BLOCK_BITS = 7;
const BLOCK_PATHS = 1 << BLOCK_BITS;
const BLOCK_MASK = BLOCK_PATHS - 1;
const PATHS_INITIAL = BLOCK_PATHS * 8;

/**
 * What one peer may have this node do. A real client sends 2 to 20 requests a second, some hundred at once when it starts, and
 * gets 20 KiB for most; this allows 1,000 small ones or 80 answers with 400 providers a second, and 4,000 at once.
 */
export const burstBytes = 16 * 1024 * 1024
export const bytesPerSecond = 4 * 1024 * 1024
/** What a request costs besides its own bytes and its answer's: the work that it makes, put as bytes. */
export const requestBytes = 4 * 1024

/** Requests of one peer in one turn of the event loop: some 0.3 ms, after which the others have their turn. */
export const requestsPerTurn = 16
/**
 * Requests of all streams that wait for their turn: some 10 ms, or the share of one peer on all its 32 streams. Where hundreds of
 * peers wait each has fewer, and one at least: what has just come from others, newcomers in the middle of their handshake
 * among them, is looked at after each turn.
 */
const requestsOfAllPerTurn = 512

/** What each has in a turn in which so many streams wait. */
export function shareOfTurn(waiting: number): number {
  return Math.max(1, Math.min(requestsPerTurn, Math.floor(requestsOfAllPerTurn / Math.max(1, waiting))))
}

/**
 * The budget of one peer, in bytes that its requests cost: it fills steadily up to a burst. The request that empties it is
 * still answered, so it may be below zero by one answer; then the peer waits until it is above.
 */
export class RpcBudget {
  #bytes = burstBytes
  #atMs: number
  #turn = 0
  #inTurn = 0

  constructor(nowMs: number) {
    this.#atMs = nowMs
  }

  spend(bytes: number, nowMs: number): void {
    this.#fill(nowMs)
    this.#bytes -= bytes
  }

  isSpent(nowMs: number): boolean {
    if (this.#bytes > 0) return false
    this.#fill(nowMs)
    return this.#bytes <= 0
  }

  /** Takes one of the requests that the peer has in `turn`; false: it has had as many as its `share`. */
  takeFromTurn(turn: number, share = requestsPerTurn): boolean {
    if (turn !== this.#turn) {
      this.#turn = turn
      this.#inTurn = 0
    }
    if (this.#inTurn >= share) return false
    this.#inTurn++
    return true
  }

  #fill(nowMs: number): void {
    this.#bytes = Math.min(burstBytes, this.#bytes + ((nowMs - this.#atMs) / 1_000) * bytesPerSecond)
    this.#atMs = nowMs
  }
}

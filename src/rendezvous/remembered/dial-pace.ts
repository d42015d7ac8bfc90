import type { Choice } from './dial-choice.ts'

/** An outbound connection costs some 10 ms of CPU: this leaves half of a core to those who come by themselves. */
const dialsPerSecond = 50
/** To one IP address that the peers came from: a gateway with all of them behind it is dialled as fast as everybody. */
const dialsToProvenIp = 1_000
/** To one IP address that peers only name, in all: whoever has many identities makes this node do no more to a third party. */
const dialsToNamedIp = 4
/** At the beginning, and after a pause. */
const burst = 32

/** How many dials begin: a token bucket for all, and a number for each IP address. Bounded by the dials that are made. */
export class DialPace {
  readonly #dialled = new Map<string, number>()
  #tokens = burst
  #sinceMs: number

  constructor(nowMs: number) {
    this.#sinceMs = nowMs
  }

  /** Whether a dial may begin now; if so, it is counted by {@link count}. */
  isOpen(nowMs: number): boolean {
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#sinceMs) * dialsPerSecond) / 1_000)
    this.#sinceMs = nowMs
    return this.#tokens >= 1
  }

  /** False once its IP address has been dialled often enough. */
  allows({ endpoint, isProven }: Choice): boolean {
    return (this.#dialled.get(endpoint.ip) ?? 0) < (isProven ? dialsToProvenIp : dialsToNamedIp)
  }

  count({ endpoint }: Choice): void {
    this.#tokens--
    this.#dialled.set(endpoint.ip, (this.#dialled.get(endpoint.ip) ?? 0) + 1)
  }
}

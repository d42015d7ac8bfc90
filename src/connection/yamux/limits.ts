/** What one peer may cost through one session. */
export interface YamuxLimits {
  /** Streams that the peer may have open; the one beyond is reset. */
  readonly maxInboundStreams: number
  /** Streams of ours; `open` throws beyond. go-yamux accepts 256 before it looks at them. */
  readonly maxOutboundStreams: number
  /** Memory that holds what came for paused streams, in bytes; beyond, the session fails. */
  readonly maxUnreadBytes: number
  /** What waits for the peer's windows or for `releaseData`, in bytes; the stream that goes beyond is reset. */
  readonly maxUnsentBytes: number
  /** Streams that the peer may reset, or that are reset or refused here, between two calls of `relax`; beyond, the session fails. */
  readonly resetBudget: number
  /** Pings that the peer may have answered between two calls of `relax`; beyond, the session fails. */
  readonly pingBudget: number
  /** Streams that the peer may open between two calls of `relax`; beyond, the session fails. */
  readonly openBudget: number
}

export const DEFAULT_LIMITS: YamuxLimits = {
  maxInboundStreams: 256,
  maxOutboundStreams: 256,
  // four streams with a full window each
  maxUnreadBytes: 1024 * 1024,
  // four of the longest kad answers
  maxUnsentBytes: 4 * 1024 * 1024,
  // a Go client resets a handful a minute; a thousand cost this node less than 10 ms
  resetBudget: 1000,
  // go-yamux and js-yamux send one in 30 s
  pingBudget: 1000,
  // with a tick of 10 s a thousand a second, 20 ms of CPU; js-libp2p opens one for each request, a Go client a few a minute
  openBudget: 10_000
}

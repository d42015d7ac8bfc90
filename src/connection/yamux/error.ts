/** Why a session failed, or why a stream could not be opened. Fit for the label of a counter. */
export type YamuxReason =
  | 'version'
  | 'type'
  | 'flags'
  | 'stream-id'
  | 'duplicate-stream'
  | 'window-exceeded'
  | 'window-overflow'
  | 'unread-limit'
  | 'reset-budget'
  | 'open-budget'
  | 'ping-budget'
  | 'closed'
  | 'go-away'
  | 'too-many-streams'

/** The only error that a session throws: a peer that breaks the protocol or a limit, or a stream that cannot be opened. */
export class YamuxError extends Error {
  override readonly name = 'YamuxError'

  constructor(readonly reason: YamuxReason) {
    super(`yamux: ${reason}`)
  }
}

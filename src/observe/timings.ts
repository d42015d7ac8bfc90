/** `ok`: answered, or taken where there is nothing to answer; `refused`: what the peer sent was not; `error`: a defect of ours. */
export type RpcResult = 'ok' | 'refused' | 'error'

/** Told how long things took; what it does with that must cost next to nothing. */
export interface Timings {
  /**
   * An inbound handshake has become a connection.
   *
   * @param security its protocol
   * @param ms since the socket was accepted
   */
  handshake(security: string, ms: number): void
  /**
   * A request to the kad server is dealt with.
   *
   * @param type the number on the wire, whatever it is; undefined: the message could not be read
   * @param ms from when it was read to when its answer was handed to the stream
   */
  rpc(type: number | undefined, result: RpcResult, ms: number): void
}

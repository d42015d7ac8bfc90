import type { Stream, StreamMessageEvent } from '@libp2p/interface'

/** Go's (circuitv2/relay maxMessageSize): a reservation or a CONNECT has some hundred bytes. */
export const maxRequestBytes = 4096

/**
 * Resets a stream whose first message says that it is longer than {@link maxRequestBytes}. The library (circuit-relay-v2 4.2.13)
 * takes 4 MiB, which as a million empty fields is a second in which nobody is served.
 */
export function refuseLongRequest(stream: Stream): void {
  const prefix: number[] = []
  const look = ({ data }: StreamMessageEvent): void => {
    // two bytes of length are enough for all that is allowed
    prefix.push(...data.subarray(0, Math.min(2 - prefix.length, data.byteLength)))
    const [low = 0, high = 0] = prefix
    if (low > 127 && prefix.length < 2) return
    stream.removeEventListener('message', look)
    const length = low > 127 ? (low & 127) + high * 128 : low
    if (length > maxRequestBytes) {
      stream.abort(new Error(`a relay request of more than ${maxRequestBytes} bytes`))
    }
  }
  stream.addEventListener('message', look)
}

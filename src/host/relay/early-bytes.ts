import type { Stream, StreamMessageEvent } from '@libp2p/interface'
import type { ByteStream } from '../../connection/byte-stream.ts'

/** Go's (circuitv2/relay maxMessageSize): a reservation, a CONNECT or the answer to a STOP has some hundred bytes. */
export const maxMessageBytes = 4096

/** Of a stream before it is part of a circuit: the message, and what a peer sends that does not wait for the other. */
export const maxEarlyBytes = 2 * maxMessageBytes

/** On lean connections a stream counts what is kept of it. */
export type RelayStream = Stream & Pick<ByteStream, 'holds'>

/**
 * Resets a stream whose first message says that it is longer than {@link maxMessageBytes}, or on which more than
 * {@link maxEarlyBytes} come. The library (circuit-relay-v2 4.2.13) takes a message of 4 MiB, which as a million empty
 * fields is a second in which nobody is served, and keeps 4 MiB of what comes behind it. To be called before the library
 * listens: it does not see what is too much.
 *
 * @returns to be called when the stream becomes part of a circuit
 */
export function limitEarlyBytes(stream: RelayStream): () => void {
  const isTooLong = lengthCheck()
  let keptBytes = 0
  const look = (event: StreamMessageEvent): void => {
    const { byteLength } = event.data
    if (keptBytes + byteLength <= maxEarlyBytes && !isTooLong(event.data)) {
      keptBytes += byteLength
      stream.holds?.(byteLength)
      return
    }
    event.stopImmediatePropagation()
    stream.abort(new Error(`more than a relay message of ${maxMessageBytes} bytes`))
  }
  const release = (): void => {
    stream.removeEventListener('message', look)
    stream.removeEventListener('close', release)
    stream.holds?.(-keptBytes)
    keptBytes = 0
  }
  // what comes while nobody listens
  stream.maxReadBufferLength = maxEarlyBytes
  stream.addEventListener('message', look)
  stream.addEventListener('close', release)
  return release
}

/** @returns takes the beginning of each chunk; whether the first message is too long by what came so far */
function lengthCheck(): (chunk: StreamMessageEvent['data']) => boolean {
  const prefix: number[] = []
  return (chunk) => {
    // two bytes of length are enough for all that is allowed
    prefix.push(...chunk.subarray(0, Math.min(2 - prefix.length, chunk.byteLength)))
    const [low = 0, high = 0] = prefix
    return low > 127 && (low & 127) + high * 128 > maxMessageBytes
  }
}

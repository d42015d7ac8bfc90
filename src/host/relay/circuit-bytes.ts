import type { RelayStream } from './early-bytes.ts'

/** Go's default (circuitv2/relay DefaultLimit), for each direction of a circuit. */
export const circuitBytes = 128 * 1024

/**
 * Ends the circuit when one side has sent more than its share; the library ends both streams with either. What the other side
 * has not taken waits in the library's queue, and counts as held for that side: it is the one that does not read.
 */
export function carryCounted(from: RelayStream, to: RelayStream): void {
  let leftBytes = circuitBytes
  let waitingBytes = 0
  const hold = (differenceBytes: number): void => {
    waitingBytes += differenceBytes
    to.holds?.(differenceBytes)
  }
  from.addEventListener('message', ({ data }) => {
    leftBytes -= data.byteLength
    if (leftBytes < 0) from.abort(new Error(`the circuit has carried its ${circuitBytes} bytes`))
    else if (to.status === 'open') hold(data.byteLength)
  })
  const send = to.send.bind(to)
  to.send = (data) => {
    hold(-Math.min(waitingBytes, data.byteLength))
    return send(data)
  }
  to.addEventListener('close', () => hold(-waitingBytes), { once: true })
}

import { expect, it } from 'vitest'
import { CircuitCount } from '../../../src/host/relay/circuit-count.ts'

const [a, b, c] = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)]

it('counts circuits until their stream closes, and those of each peer', () => {
  const count = new CircuitCount(2)
  const streams = [new EventTarget(), new EventTarget()]
  count.track([a, b], streams[0]!)
  count.track([c, b], streams[1]!)
  expect([count.circuits, count.peers]).toEqual([2, 3])
  expect([count.hasRoomFor([a, c]), count.hasRoomFor([a, b])]).toEqual([true, false])
  for (const stream of streams) stream.dispatchEvent(new Event('close'))
  expect([count.circuits, count.peers]).toEqual([0, 0])
})

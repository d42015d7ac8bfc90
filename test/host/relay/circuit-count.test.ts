import fc from 'fast-check'
import { expect, it } from 'vitest'
import { CircuitCount } from '../../../src/host/relay/circuit-count.ts'

const [a, b, c] = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)]

it('gives places at both ends, until they are given back', () => {
  const count = new CircuitCount(2)
  const places = [count.take([a, b]), count.take([c, b])]
  expect(places).not.toContain(undefined)
  expect([count.circuits, count.peers]).toEqual([2, 3])
  expect(count.take([a, b])).toBeUndefined()
  const other = count.take([a, c])
  expect(other).toBeDefined()
  for (const leave of [...places, other]) leave?.()
  expect([count.circuits, count.peers]).toEqual([0, 0])
})

it('gives no peer more than its places, and keeps nothing of those without', () => {
  const step = fc.record({ ends: fc.tuple(fc.nat(3), fc.nat(3)), leaves: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const count = new CircuitCount(3)
      const taken: { ends: number[]; leave: () => void }[] = []
      const placesOf = (peer: number) => taken.filter(({ ends }) => ends.includes(peer)).length
      for (const { ends, leaves } of steps) {
        if (leaves) taken.shift()?.leave()
        const leave = count.take(ends.map((end) => Uint8Array.of(end)))
        expect(leave === undefined).toBe(ends.some((end) => placesOf(end) >= 3))
        if (leave !== undefined) taken.push({ ends, leave })
        expect(count.circuits).toBe(taken.length)
      }
      for (const { leave } of taken) leave()
      expect([count.circuits, count.peers]).toEqual([0, 0])
    })
  )
})

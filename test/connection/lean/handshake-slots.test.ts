import fc from 'fast-check'
import { expect, it } from 'vitest'
import { HandshakeSlots, stalledAfterMs } from '../../../src/connection/lean/handshake-slots.ts'
import { networksOf, type Origin } from '../../../src/peers/address-prefix.ts'

const from = (ip: string): Origin => ({ ...networksOf(ip), exempt: false })
const most = { ofAddress: 2, ofNetwork: 3, ofAll: 5 }

it('has room for so many of an address, a network and all, and for another once the oldest there has stalled', () => {
  const slots = new HandshakeSlots<string>(most)
  const ask = (ip: string, nowMs: number) => slots.roomFor(from(ip), nowMs)
  const add = (name: string, ip: string, nowMs: number) => slots.add(name, from(ip), nowMs)
  add('a', '203.0.113.1', 0)
  expect(ask('203.0.113.1', 1)).toBeUndefined()
  add('b', '203.0.113.1', 1)
  expect([ask('203.0.113.1', 2), ask('203.0.113.2', 2)]).toEqual(['full', undefined])
  add('c', '203.0.113.2', 2)
  expect([ask('203.0.113.2', 3), ask('198.51.100.1', 3)]).toEqual(['full', undefined])
  add('d', '198.51.100.1', 3)
  add('e', '198.51.100.2', 4)
  expect(ask('192.0.2.1', 5)).toBe('full')
  expect(ask('203.0.113.1', stalledAfterMs)).toBe('a')
  slots.delete('a')
  expect(ask('203.0.113.2', stalledAfterMs + 1)).toBeUndefined()
})

it('is full for everybody when all places are taken, until the oldest has stalled', () => {
  const slots = new HandshakeSlots<string>(most)
  for (let i = 0; i < most.ofAll; i++) {
    expect(slots.isFull(i)).toBe(false)
    slots.add(`${i}`, from(`203.0.${i}.1`), i)
  }
  expect([slots.isFull(stalledAfterMs - 1), slots.isFull(stalledAfterMs)]).toEqual([true, false])
  slots.delete('0')
  slots.add('again', from('203.0.9.1'), stalledAfterMs)
  expect([slots.isFull(stalledAfterMs), slots.isFull(stalledAfterMs + 1)]).toEqual([true, false])
})

it('never holds more than its bounds, and forgets who has gone', () => {
  const ip = fc.constantFrom('203.0.113.1', '203.0.113.2', '203.0.113.3', '198.51.100.1', '2001:db8::1')
  const step = fc.record({ ip, waitMs: fc.integer({ min: 0, max: 2_000 }), ends: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const slots = new HandshakeSlots<{ ip: string }>(most)
      const held = new Set<{ ip: string }>()
      let nowMs = 0
      for (const { ip, waitMs, ends } of steps) {
        nowMs += waitMs
        const [first] = held
        if (ends && first !== undefined) held.delete(first) && slots.delete(first)
        const room = slots.roomFor(from(ip), nowMs)
        if (room === 'full') continue
        if (room !== undefined) held.delete(room) && slots.delete(room)
        const handshake = { ip }
        slots.add(handshake, from(ip), nowMs)
        held.add(handshake)
        expect(slots.size).toBe(held.size)
        expect(held.size).toBeLessThanOrEqual(most.ofAll)
        const same = [...held].filter((other) => other.ip === ip)
        expect(same.length).toBeLessThanOrEqual(most.ofAddress)
        const near = [...held].filter((other) => from(other.ip).network === from(ip).network)
        expect(near.length).toBeLessThanOrEqual(most.ofNetwork)
      }
      for (const handshake of held) slots.delete(handshake)
      expect([slots.size, slots.prefixes]).toEqual([0, 0])
    })
  )
})

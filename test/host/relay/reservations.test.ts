import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { beforeEach, describe, expect, it } from 'vitest'
import { Reservations, reservationLifeMs } from '../../../src/host/relay/reservations.ts'
import { reservesAtOnce } from '../../../src/host/relay/reserve-pace.ts'
import { SimulatedClock } from '../../support/clock.ts'

const peer = async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
const address = (ip: string, port = 1) => multiaddr(`/ip4/${ip}/tcp/${port}`)

describe('Reservations', () => {
  let clock: SimulatedClock
  let store: Reservations
  let safe: Set<string>
  beforeEach(() => {
    clock = new SimulatedClock()
    safe = new Set()
    store = new Reservations({ maxReservations: 3, maxReservationsPerIp: 2, maxCircuitsPerPeer: 1 }, clock, {
      protect: (peer) => void safe.add(peer.toString()),
      unprotect: (peer) => void safe.delete(peer.toString())
    })
  })

  it('last an hour, told in seconds since 1970', async () => {
    const result = store.reserve(await peer(), address('10.0.0.1'))
    if (result.status !== 'OK') throw new Error(result.status)
    expect(Math.abs(result.expire - (Date.now() / 1000 + 3600))).toBeLessThan(5)
    clock.advance(reservationLifeMs - 1)
    expect(store.reservations.size).toBe(1)
    clock.advance(1)
    expect(store.reservations.size).toBe(0)
  })

  it('are bounded for one address, whatever its ports', async () => {
    for (const [port, status] of [
      [1, 'OK'],
      [2, 'OK'],
      [3, 'RESERVATION_REFUSED']
    ] as const) {
      expect(store.reserve(await peer(), address('10.0.0.1', port)).status).toBe(status)
    }
    expect(store.reserve(await peer(), address('10.0.0.2')).status).toBe('OK')
  })

  it('are bounded for one /64 of IPv6, which one machine has', async () => {
    const at = (ip: string) => multiaddr(`/ip6/${ip}/tcp/1`)
    for (const [ip, status] of [
      ['2001:db8:1:2::1', 'OK'],
      ['2001:db8:1:2:ffff::2', 'OK'],
      ['2001:db8:1:2::3', 'RESERVATION_REFUSED'],
      ['2001:db8:1:3::1', 'OK']
    ] as const) {
      expect(store.reserve(await peer(), at(ip)).status).toBe(status)
    }
  })

  it('are not renewed all the time; one that is refused stays', async () => {
    const id = await peer()
    const status = () => store.reserve(id, address('10.0.0.1')).status
    expect(Array.from({ length: reservesAtOnce }, status)).not.toContain('RESERVATION_REFUSED')
    expect(status()).toBe('RESERVATION_REFUSED')
    expect(store.get(id)).toBeDefined()
  })

  it('are bounded in all', async () => {
    for (const [ip, status] of [
      [1, 'OK'],
      [2, 'OK'],
      [3, 'OK'],
      [4, 'RESERVATION_REFUSED']
    ] as const) {
      expect(store.reserve(await peer(), address(`10.0.0.${ip}`)).status).toBe(status)
    }
  })

  it('can be refreshed at the bound, again and again', async () => {
    const id = await peer()
    store.reserve(id, address('10.0.0.1'))
    store.reserve(await peer(), address('10.0.0.1'))
    for (let hours = 0; hours < 5; hours++) {
      clock.advance(reservationLifeMs - 60_000)
      expect(store.reserve(id, address('10.0.0.1')).status).toBe('OK')
      expect(store.get(id)).toBeDefined()
    }
    clock.advance(reservationLifeMs)
    expect(store.get(id)).toBeUndefined()
  })

  it('end with the peer, with their timer', async () => {
    const id = await peer()
    store.reserve(id, address('10.0.0.1'))
    store.reserve(id, address('10.0.0.1'))
    store.removeReservation(id)
    expect([store.reservations.size, clock.pending]).toEqual([0, 0])
  })

  it('keep the peer from being trimmed, as long as they last', async () => {
    const [id, other] = [await peer(), await peer()]
    store.reserve(id, address('10.0.0.1'))
    store.reserve(other, address('10.0.0.1'))
    expect([...safe]).toEqual([id.toString(), other.toString()])
    store.removeReservation(id)
    expect([...safe]).toEqual([other.toString()])
    clock.advance(reservationLifeMs)
    expect(safe.size).toBe(0)
  })

  it('leave nothing when the relay stops', async () => {
    store.reserve(await peer(), address('10.0.0.1'))
    store.clear()
    expect([store.reservations.size, clock.pending]).toEqual([0, 0])
  })

  it('end with all circuits of the peer, without a warning of how many there are', async () => {
    const warnings: unknown[] = []
    const onWarning = (warning: unknown) => void warnings.push(warning)
    process.on('warning', onWarning)
    const limits = { maxReservations: 1, maxReservationsPerIp: 1, maxCircuitsPerPeer: 16 }
    const many = new Reservations(limits, clock, { protect() {}, unprotect() {} })
    const id = await peer()
    many.reserve(id, address('10.0.0.1'))
    let ended = 0
    for (let i = 0; i < limits.maxCircuitsPerPeer; i++) many.get(id)?.signal.addEventListener('abort', () => ended++)
    clock.advance(reservationLifeMs)
    // warnings are said in the next turn
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', onWarning)
    expect([ended, warnings]).toEqual([16, []])
  })
})

import { beforeEach, expect, it } from 'vitest'
import { ConnectionIndex } from '../../src/admission/connection-index.ts'
import { maxTlsStrangers } from '../../src/admission/strangers.ts'
import { maxTlsOfNetwork, TlsOffers } from '../../src/admission/tls-offers.ts'
import { fakeConnection } from '../support/connection.ts'

const from = { address: '203.0.113.1', network: '203.0.113.0/24', exempt: false }
const elsewhere = { address: '198.51.100.1', network: '198.51.100.0/24', exempt: false }

let index: ConnectionIndex
let offers: TlsOffers

beforeEach(() => {
  index = new ConnectionIndex(0)
  offers = new TlsOffers(index)
})

function open(i: number, encryption = '/tls/1.0.0'): void {
  index.open(fakeConnection(`p${i}`, `203.0.113.${i % 250}`, { encryption }), false, 0)
  index.identified(`p${i}`)
}

it('a network has so many, those under way included', () => {
  for (let i = 0; i < 100; i++) open(i)
  for (let i = 0; i < 50; i++) open(1_000 + i, '/noise')
  for (let i = 100; i < maxTlsOfNetwork; i++) expect(offers.take(from)).toBe(true)
  expect([offers.take(from), offers.take(elsewhere), offers.declined]).toEqual([false, true, 1])
  offers.finished(from)
  expect([offers.take(from), offers.take(from)]).toEqual([true, false])
})

it('an exempt network has any number', () => {
  for (let i = 0; i < maxTlsOfNetwork; i++) open(i)
  expect(offers.take({ ...from, exempt: true })).toBe(true)
})

it('nobody is offered it while so many strangers have it, exempt or not', () => {
  for (let i = 0; i < maxTlsStrangers; i++) {
    index.open(fakeConnection(`s${i}`, `192.0.${i % 200}.1`, { encryption: '/tls/1.0.0' }), false, 0)
  }
  expect([offers.take(from), offers.take({ ...elsewhere, exempt: true })]).toEqual([false, false])
  index.identified('s0')
  expect(offers.take(from)).toBe(true)
})

it('forgets a network without a handshake under way', () => {
  for (const place of [from, from, elsewhere]) offers.take(place)
  expect(offers.networks).toBe(2)
  for (const place of [from, from, elsewhere]) offers.finished(place)
  expect(offers.networks).toBe(0)
})

import { describe, expect, it } from 'vitest'
import { ConnectionIndex } from '../../src/admission/connection-index.ts'
import { fakeConnection } from '../support/connection.ts'

const index = () => new ConnectionIndex(0)
const hostOf = (i: number) => `203.${i >> 8}.${i & 255}.1`
const tls = { encryption: '/tls/1.0.0' }

describe('the worst of the strangers', () => {
  const worstOf = ({ strangers }: ConnectionIndex) => String(strangers.worst()?.connection.remotePeer)

  it('is none where there are none', () => {
    expect(index().strangers.worst()).toBeUndefined()
  })

  it('is the first to come where each is alone in its network', () => {
    const known = index()
    for (let i = 0; i < 40; i++) known.open(fakeConnection(`p${i}`, hostOf(i)), false, i)
    expect(worstOf(known)).toBe('p0')
  })

  it('is of the network with the most of them, among the 16 who came first', () => {
    const known = index()
    for (let i = 0; i < 16; i++) known.open(fakeConnection(`p${i}`, hostOf(i)), false, i)
    for (let i = 16; i < 20; i++) known.open(fakeConnection(`p${i}`, '198.51.100.1'), false, i)
    expect(worstOf(known)).toBe('p0')
    known.identified('p3')
    expect(worstOf(known)).toBe('p16')
  })

  it('counts in a network only those who are strangers still', () => {
    const known = index()
    for (let i = 0; i < 5; i++) known.open(fakeConnection(`client${i}`, '198.51.100.1'), false, 0)
    for (let i = 0; i < 4; i++) known.identified(`client${i}`)
    for (let i = 0; i < 2; i++) known.open(fakeConnection(`p${i}`, '203.0.113.1'), false, 1)
    expect(worstOf(known)).toBe('p0')
  })

  it('takes an exempt address for no crowd, as many may be behind it', () => {
    const known = new ConnectionIndex(0, (ip) => ip.startsWith('10.'))
    for (let i = 0; i < 10; i++) known.open(fakeConnection(`behind${i}`, '10.0.0.1'), false, 0)
    for (let i = 0; i < 2; i++) known.open(fakeConnection(`p${i}`, '203.0.113.1'), false, 1)
    for (let i = 0; i < 8; i++) known.identified(`behind${i}`)
    expect(worstOf(known)).toBe('p0')
  })
})

describe('who is a stranger', () => {
  it('all connections of a peer are, and all are none any more once it has said something', () => {
    const known = index()
    const first = fakeConnection('p', hostOf(1), tls)
    for (const connection of [first, fakeConnection('p', hostOf(2), tls)]) known.open(connection, false, 0)
    expect([known.strangers.size, known.strangers.overTls]).toEqual([2, 2])
    known.identified('p')
    expect([known.strangers.size, known.strangers.overTls]).toEqual([0, 0])
    known.close(first)
    known.close(first)
    expect([known.strangers.size, known.strangers.overTls]).toEqual([0, 0])
  })

  it('one that leaves is none any more, however often that is told', () => {
    const known = index()
    const connections = [fakeConnection('a', hostOf(1), tls), fakeConnection('b', hostOf(1))]
    for (const connection of connections) known.open(connection, false, 0)
    for (const connection of [...connections, ...connections]) known.close(connection)
    expect([known.strangers.size, known.strangers.overTls, known.strangers.worst()]).toEqual([0, 0, undefined])
  })

  it('who was dialled is none', () => {
    const known = index()
    known.open(fakeConnection('dialled', hostOf(1), { direction: 'outbound' }), false, 0)
    expect(known.strangers.size).toBe(0)
  })
})

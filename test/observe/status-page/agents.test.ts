import type { Connection, IdentifyResult, Libp2pEvents } from '@libp2p/interface'
import { TypedEventEmitter } from 'main-event'
import { afterEach, expect, it } from 'vitest'
import { AgentCounts } from '../../../src/observe/status-page/agents.ts'

const events = new TypedEventEmitter<Libp2pEvents>()
const agents = new AgentCounts()
let stop = agents.watch(events)
afterEach(() => {
  stop()
  stop = agents.watch(events)
})

const connection = (status = 'open') => ({ status }) as Connection
const identify = (connection: Connection, agentVersion?: string) =>
  events.safeDispatchEvent('peer:identify', { detail: { connection, agentVersion } as IdentifyResult })
const close = (connection: Connection) => events.safeDispatchEvent('connection:close', { detail: connection })
const counts = () => Object.fromEntries(Array.from(agents.all(), ({ name, connections }) => [name, connections]))

it('counts those who are connected', () => {
  const [a, b, c] = [connection(), connection(), connection()]
  identify(a, 'go/1')
  identify(b, 'go/1')
  identify(c)
  expect(counts()).toEqual({ 'go/1': 2, unnamed: 1 })
  close(b)
  close(c)
  expect(counts()).toEqual({ 'go/1': 1 })
})

it('follows a peer that says something else, and forgets one that left meanwhile', () => {
  const a = connection()
  identify(a, 'go/1')
  identify(a, 'go/2')
  identify(connection('closed'), 'go/3')
  expect(counts()).toEqual({ 'go/2': 1 })
})

it('counts what is beyond 1,000 names with the others, and forgets all', () => {
  const all = Array.from({ length: 5_000 }, connection.bind(undefined, 'open'))
  all.forEach((connection, i) => {
    identify(connection, `agent ${i}`)
  })
  expect(agents.size).toBe(1_001)
  expect(counts()['other agents']).toBe(4_000)
  for (const connection of all) close(connection)
  expect([agents.size, agents.connections]).toEqual([0, 0])
})

it('keeps 64 characters of a name', () => {
  identify(connection(), 'x'.repeat(8_000))
  expect(Object.keys(counts())).toEqual(['x'.repeat(64)])
})

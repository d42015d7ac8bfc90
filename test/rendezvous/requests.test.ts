import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { beforeEach, describe, expect, it } from 'vitest'
import { Contacts } from '../../src/rendezvous/contacts.ts'
import { type Answer, encodeRecord } from '../../src/rendezvous/encode.ts'
import { ProviderBook } from '../../src/rendezvous/provider-book.ts'
import { answer, type Outcome, type Rooms } from '../../src/rendezvous/requests.ts'
import { ValueStore } from '../../src/rendezvous/value-store.ts'
import { decodeRecord, MessageType, type Request } from '../../src/rendezvous/wire.ts'
import { peersIn } from './peers-in.ts'

const bytes = (text: string) => new Uint8Array(Buffer.from(text))
const self = { id: bytes('self'), addrs: [bytes('here')] }
let rooms: Rooms & { closer: string[] }

const ask = (request: Partial<Request>, from = 'asker') =>
  answer(
    { type: 5, key: bytes('key'), record: undefined, providerPeers: [], clusterLevel: 0, ...request },
    { id: bytes(from), key: from, prefix: 'here' },
    rooms
  )
const names = (peers: Answer['closerPeers']) => peersIn(peers).map(({ id }) => Buffer.from(id).toString())
const found = (outcome: Outcome | Promise<Outcome>): Answer => {
  if (typeof outcome === 'string' || outcome instanceof Promise) throw new Error(`no answer: ${String(outcome)}`)
  return outcome
}
const join = (peer: string, addrs = [bytes(`${peer}-address`)]) => {
  rooms.contacts.connected(bytes(peer))
  rooms.contacts.identified(bytes(peer), addrs)
}
const add = (from: string, key: string, providerPeers = [{ id: bytes(from), addrs: [bytes(`${from}-address`)] }]) =>
  ask({ type: MessageType.ADD_PROVIDER, key: bytes(key), providerPeers }, from)

beforeEach(() => {
  const contacts = new Contacts()
  rooms = {
    contacts,
    book: new ProviderBook(contacts, () => {}, {
      maxRecords: 100,
      maxPerKey: 100,
      maxPerPeer: 100,
      maxBytes: 1e6,
      maxBytesPerSource: 1e6
    }),
    values: new ValueStore(),
    closer: [],
    closerPeers: () => rooms.closer.map((peer) => contacts.get(bytes(peer))!),
    selfKey: 'self',
    self: () => self,
    nowMs: () => 1_000_000
  }
})

describe('PING', () => {
  it('is given back', () => {
    expect(ask({ type: MessageType.PING, clusterLevel: 3 })).toMatchObject({ type: MessageType.PING, clusterLevel: 3 })
  })
})

describe('FIND_NODE', () => {
  const find = (key: string, from = 'asker') =>
    names(found(ask({ type: MessageType.FIND_NODE, key: bytes(key) }, from)).closerPeers)

  it('returns a connected peer with its addresses, as FindPeer needs', () => {
    join('wanted')
    const { closerPeers } = found(ask({ type: MessageType.FIND_NODE, key: bytes('wanted') }))
    expect(peersIn(closerPeers)).toEqual([{ id: bytes('wanted'), addrs: [bytes('wanted-address')], connected: true }])
  })

  it('returns a provider that has left', () => {
    join('wanted')
    add('wanted', 'key')
    rooms.contacts.disconnected(bytes('wanted'))
    expect(find('wanted')).toEqual(['wanted'])
  })

  it('tells nobody about itself', () => {
    join('asker')
    expect(find('asker')).toEqual([])
  })

  it('returns this node for its own id', () => {
    expect(find('self')).toEqual(['self'])
  })

  it('names a peer of the routing table once', () => {
    join('server')
    rooms.closer = ['server']
    expect(find('server')).toEqual(['server'])
  })

  it('leaves out whose address is not known', () => {
    rooms.contacts.connected(bytes('silent'))
    expect(find('silent')).toEqual([])
  })

  it('refuses an empty key, as Go does', () => {
    expect(ask({ type: MessageType.FIND_NODE, key: bytes('') })).toBe('refuse')
  })
})

describe('ADD_PROVIDER and GET_PROVIDERS', () => {
  const get = (key: string) => found(ask({ type: MessageType.GET_PROVIDERS, key: bytes(key) }))

  it('what was added is found, with its addresses, byte for byte', () => {
    const unknownCode = new Uint8Array([0xfe, 0x7f, 1, 0xaa])
    expect(add('p', 'k', [{ id: bytes('p'), addrs: [unknownCode] }])).toBe('none')
    const { providerPeers, key } = get('k')
    expect(key).toEqual(bytes('k'))
    expect(peersIn(providerPeers)).toEqual([{ id: bytes('p'), addrs: [unknownCode], connected: false }])
  })

  it("only the sender's own record counts", () => {
    add('p', 'k', [{ id: bytes('other'), addrs: [bytes('x')] }])
    expect(names(get('k').providerPeers)).toEqual([])
  })

  it('a record without address counts for nothing and harms nobody', () => {
    add('good', 'k')
    expect(add('bad', 'k', [{ id: bytes('bad'), addrs: [] }])).toBe('none')
    expect(names(get('k').providerPeers)).toEqual(['good'])
  })

  it.each([
    [1, 'answer'],
    [80, 'answer'],
    [0, 'refuse'],
    [81, 'refuse']
  ])('a key of %i bytes: %s', (length, expected) => {
    const key = new Uint8Array(length)
    const outcome = ask({ type: MessageType.GET_PROVIDERS, key })
    expect(outcome === 'refuse' ? 'refuse' : 'answer').toBe(expected)
    expect(ask({ type: MessageType.ADD_PROVIDER, key }) === 'refuse' ? 'refuse' : 'answer').toBe(expected)
  })

  it('says who is connected', () => {
    join('here')
    add('here', 'k')
    add('away', 'k')
    expect(peersIn(get('k').providerPeers).map(({ connected }) => connected)).toEqual([true, false])
  })
})

describe('PUT_VALUE and GET_VALUE', () => {
  const put = (key: Uint8Array, value: Uint8Array, recordKey = key) =>
    ask({ type: MessageType.PUT_VALUE, key, record: encodeRecord({ key: recordKey, value }, new Date(0)) })
  const get = (key: Uint8Array) => found(ask({ type: MessageType.GET_VALUE, key }))
  const publicKey = async () => {
    const { publicKey } = await generateKeyPair('Ed25519')
    const id = publicKey.toMultihash().bytes
    return { key: Buffer.concat([Buffer.from('/pk/'), id]), value: publicKeyToProtobuf(publicKey) }
  }

  it('a public key is kept under its peer id', async () => {
    const { key, value } = await publicKey()
    expect(await put(key, value)).toMatchObject({ type: MessageType.PUT_VALUE })
    expect(decodeRecord(get(key).record!)).toEqual({ key: new Uint8Array(key), value })
  })

  it('a public key of somebody else is refused', async () => {
    const [mine, other] = [await publicKey(), await publicKey()]
    expect(await put(mine.key, other.value)).toBe('refuse')
    expect(get(mine.key).record).toBeUndefined()
  })

  it.each([
    ['junk under /pk/', '/pk/x', 'junk'],
    ['junk under /ipns/', '/ipns/x', 'junk'],
    ['another namespace', '/other/x', 'value']
  ])('%s is refused', async (_what, key, value) => {
    expect(await put(bytes(key), bytes(value))).toBe('refuse')
  })

  it('a record for another key than the message is refused', async () => {
    const { key, value } = await publicKey()
    expect(await put(bytes('/pk/other'), value, key)).toBe('refuse')
  })

  it('a value that is not there is answered without a record', () => {
    expect(get(bytes('/pk/none')).record).toBeUndefined()
  })
})

it('a type that does not exist is refused', () => {
  expect(ask({ type: 6 })).toBe('refuse')
})

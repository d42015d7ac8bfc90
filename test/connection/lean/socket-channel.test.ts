import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  type ChannelOwner,
  type Cipher,
  maxWaitingBytes,
  type Opened,
  recordsPerTurn,
  SocketChannel
} from '../../../src/connection/lean/socket-channel.ts'

class RecordingOwner implements ChannelOwner {
  text = ''
  drains = 0
  readonly closes: (Error | undefined)[] = []
  onBytes(bytes: Uint8Array): void {
    this.text += Buffer.from(bytes).toString('latin1')
  }
  onDrain(): void {
    this.drains++
  }
  onClose(cause: Error | undefined): void {
    this.closes.push(cause)
  }
}

/** Puts what is sealed in brackets, and gives out what came between brackets; an exclamation mark is no record. */
class Brackets implements Cipher {
  seals = 0
  closed = false
  seal(parts: readonly Uint8Array[]): Uint8Array {
    this.seals++
    return Buffer.concat([Buffer.from('['), ...parts, Buffer.from(']')])
  }
  push(chunk: Uint8Array, take: (plaintext: Uint8Array) => void): Opened {
    let records = 0
    for (const part of Buffer.from(chunk)
      .toString()
      .split(/[[\]]+/)) {
      if (part === '!') throw new Error('no record')
      if (part !== '') take(Buffer.from(part))
      records++
    }
    return { records, rest: Buffer.alloc(0) }
  }
  close(): void {
    this.closed = true
  }
}

let server: Server
let here: Socket
let there: Socket
let owner: RecordingOwner
let channel: SocketChannel
let received: string
let garbageBytes: number

beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  there = connect((server.address() as AddressInfo).port, '127.0.0.1')
  there.on('error', () => {})
  here = (await accepted)[0]
  received = ''
  there.on('data', (chunk) => {
    received += chunk.toString('latin1')
  })
  owner = new RecordingOwner()
  garbageBytes = 0
  const garbage = {
    add: (bytes: number) => {
      garbageBytes += bytes
    }
  }
  channel = new SocketChannel(here, owner, garbage)
})
afterEach(() => {
  vi.restoreAllMocks()
  here.destroy()
  there.destroy()
  server.close()
})

const bytes = (text: string) => Buffer.from(text)
const gets = (text: string) => expect.poll(() => received, { interval: 2 }).toBe(text)
const hears = (text: string) => expect.poll(() => owner.text, { interval: 2 }).toBe(text)

describe('what is written', () => {
  it('in one turn goes out in one write, sealed once', async () => {
    const write = vi.spyOn(here, 'write')
    const cipher = new Brackets()
    channel.encrypt(cipher)
    for (const text of ['a', 'b', 'c']) channel.write(bytes(text))
    expect(write).not.toHaveBeenCalled()
    await gets('[abc]')
    channel.write(bytes('d'))
    await gets('[abc][d]')
    expect([write.mock.calls.length, cipher.seals]).toEqual([2, 2])
  })

  it('before encryption begins goes out in the clear', async () => {
    channel.write(bytes('clear'))
    channel.encrypt(new Brackets())
    channel.write(bytes('secret'))
    await gets('clear[secret]')
  })

  it('goes out at once when it is much, so that the writer sees that the peer is behind', async () => {
    there.pause()
    for (let i = 0; i < 200 && !channel.isBehind; i++) channel.write(Buffer.alloc(maxWaitingBytes + 1))
    expect(channel.isBehind).toBe(true)
    expect(here.writableLength).toBeLessThan(3 * maxWaitingBytes)
  })

  it('before the end goes out, and nothing after it', async () => {
    channel.write(bytes('last'))
    channel.end()
    channel.write(bytes('too late'))
    await once(there, 'end')
    await expect.poll(() => owner.closes).toEqual([undefined])
    expect(received).toBe('last')
  })
})

describe('a peer that is behind', () => {
  const fall = () => {
    there.pause()
    for (let i = 0; i < 200 && !channel.isBehind; i++) channel.write(Buffer.alloc(maxWaitingBytes + 1))
  }

  it('is not listened to until it has caught up; the owner is told', async () => {
    fall()
    const pauses = vi.spyOn(here, 'resume')
    there.write('hello')
    channel.resume()
    expect([here.isPaused(), pauses.mock.calls.length, owner.drains, owner.text]).toEqual([true, 0, 0, ''])
    there.resume()
    await hears('hello')
    expect([channel.isBehind, owner.drains]).toEqual([false, 1])
  })

  it('and has caught up stays paused while the owner wants it so', async () => {
    fall()
    channel.pause()
    there.write('hello')
    there.resume()
    await expect.poll(() => owner.drains).toBe(1)
    expect([here.isPaused(), owner.text]).toEqual([true, ''])
    channel.resume()
    await hears('hello')
  })
})

describe('a channel', () => {
  it('gives its owner what the cipher has opened, and ends at what is no record', async () => {
    const cipher = new Brackets()
    channel.encrypt(cipher)
    there.write('[a][b]')
    await hears('ab')
    there.write('[c][!][d]')
    await expect.poll(() => owner.closes).toEqual([expect.objectContaining({ message: 'no record' })])
    expect([owner.text, cipher.closed, here.destroyed, channel.closed]).toEqual(['abc', true, true, true])
  })

  it('tells its owner of the end once, with the error if there was one', async () => {
    const closed = new Promise((resolve) => here.on('close', resolve))
    here.destroy(new Error('it broke'))
    await closed
    expect(owner.closes).toEqual([expect.objectContaining({ message: 'it broke' })])
  })

  it('is over for its owner once it is destroyed, in the middle of a chunk too', async () => {
    channel.encrypt(new Brackets())
    owner.onBytes = (plaintext) => {
      owner.text += Buffer.from(plaintext).toString()
      channel.write(bytes('unsent'))
      channel.destroy()
    }
    there.write('[a][b]')
    await once(here, 'close')
    channel.fail(new Error('again'))
    channel.write(bytes('x'))
    channel.flush()
    expect([owner.text, owner.closes, received]).toEqual(['a', [], ''])
  })

  it('tells another owner, once it has one', async () => {
    const next = new RecordingOwner()
    channel.owner = next
    there.end('hello')
    await expect.poll(() => next.closes).toEqual([undefined])
    expect([next.text, owner.text, owner.closes]).toEqual(['hello', '', []])
  })

  it('gives its socket away with what was not read, and hears no more of it', async () => {
    const chunk = bytes('unread')
    channel.write(bytes('before'))
    expect(channel.release(chunk)).toBe(here)
    chunk.fill(0)
    expect(here.isPaused()).toBe(true)
    expect(['data', 'drain', 'error', 'close'].map((event) => here.listenerCount(event))).toEqual([0, 0, 0, 0])
    let text = ''
    here.on('data', (data) => {
      text += data
    })
    here.resume()
    there.end(' and new')
    await once(here, 'close')
    expect([text, received, owner.text, owner.closes]).toEqual(['unread and new', 'before', '', []])
  })
})

it('reads a peer that floods no more than its share in a turn of the event loop, and all of it in the end', async () => {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const total = 8 * 1024 * 1024
  client.write(Buffer.alloc(total))
  const [socket] = (await accepted) as [Socket]
  let received = 0
  let inTurn = 0
  let most = 0
  const owner = new RecordingOwner()
  owner.onBytes = (bytes) => {
    received += bytes.length
    inTurn += bytes.length
    most = Math.max(most, inTurn)
  }
  const channel = new SocketChannel(socket, owner)
  let isOver = false
  const endTurn = () => {
    inTurn = 0
    if (!isOver) setImmediate(endTurn)
  }
  setImmediate(endTurn)
  channel.resume()
  await expect.poll(() => received).toBe(total)
  isOver = true
  channel.destroy()
  client.destroy()
  server.close()
  expect(most).toBeLessThanOrEqual(256 * 1024)
})

describe('a peer that sends many small records', () => {
  const total = 40_000
  let inTurn: number
  let most: number
  let isOver: boolean

  /** Each byte is a record, of which every other is empty. */
  class Bytes implements Cipher {
    readonly seal = (parts: readonly Uint8Array[]) => Buffer.concat(parts)
    readonly close = () => {}
    push(chunk: Uint8Array, take: (plaintext: Uint8Array) => void, mostRecords: number): Opened {
      const records = Math.min(chunk.length, mostRecords)
      inTurn += records
      most = Math.max(most, inTurn)
      for (const [at, byte] of chunk.subarray(0, records).entries())
        if (byte % 2 === 0) take(chunk.subarray(at, at + 1))
      return { records, rest: chunk.subarray(records) }
    }
  }
  const sent = Buffer.from(Array.from({ length: total }, (_, i) => i % 251))
  const expected = Buffer.from(sent.filter((byte) => byte % 2 === 0)).toString('latin1')

  beforeEach(() => {
    inTurn = most = 0
    isOver = false
    const endTurn = () => {
      inTurn = 0
      if (!isOver) setImmediate(endTurn)
    }
    endTurn()
    channel.encrypt(new Bytes())
  })
  afterEach(() => {
    isOver = true
  })

  it('has so many opened in a turn, the empty ones too, and all in the end, in their order', async () => {
    there.end(sent)
    await expect.poll(() => owner.closes.length, { interval: 2 }).toBe(1)
    expect([owner.text === expected, owner.text.length, most]).toEqual([true, expected.length, recordsPerTurn])
  })

  it('has no more opened while its owner reads nothing', async () => {
    const { onBytes } = owner
    owner.onBytes = (bytes) => {
      if (owner.text === '') channel.pause()
      onBytes.call(owner, bytes)
    }
    there.write(sent)
    await expect.poll(() => owner.text.length, { interval: 2 }).toBeGreaterThan(0)
    const before = owner.text.length
    for (let i = 0; i < 5; i++) await new Promise(setImmediate)
    expect(owner.text.length).toBe(before)
    channel.resume()
    await hears(expected)
    expect(most).toBe(recordsPerTurn)
  })

  it('waits also when little of the turn was left, and nothing is lost', async () => {
    channel.received(Buffer.alloc(recordsPerTurn - 5, 'b'))
    channel.received(Buffer.from('bbbbbdfhj'))
    expect([here.isPaused(), inTurn]).toEqual([true, recordsPerTurn])
    await hears(`${'b'.repeat(recordsPerTurn)}dfhj`)
  })

  it('is over at once when the channel is destroyed in between', async () => {
    there.write(sent)
    await expect.poll(() => owner.text.length, { interval: 0 }).toBeGreaterThan(0)
    channel.destroy()
    const before = owner.text.length
    for (let i = 0; i < 5; i++) await new Promise(setImmediate)
    expect(owner.text.length).toBe(before)
  })
})

it('what went through is garbage soon, in both directions', async () => {
  channel.resume()
  there.write('from there')
  await expect.poll(() => owner.text).toBe('from there')
  channel.write(Buffer.from('from here'))
  await expect.poll(() => received).toBe('from here')
  expect(garbageBytes).toBe('from there'.length + 'from here'.length)
})

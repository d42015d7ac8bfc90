import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { expect, it } from 'vitest'
import { RecencySet } from '../../src/admission/recency.ts'
import { SocketChannel } from '../../src/connection/lean/socket-channel.ts'
import { collectAll, collectYoung } from '../../src/memory/collector.ts'

const bufferBytes = 64 * 1024
const rounds = 64

/** V8 takes what has survived two collections for old. */
function age(): void {
  for (let i = 0; i < 4; i++) collectYoung()
}

/**
 * What is kept, until everything is collected, of the Buffers that `use` lets go of at once or in the next round.
 *
 * @param between told each round, before `use`
 */
async function keptBytes(use: (bytes: Uint8Array) => void, between: (round: number) => void): Promise<number> {
  const round = (i: number) => {
    between(i)
    use(new Uint8Array(bufferBytes))
  }
  age()
  await collectAll()
  const before = process.memoryUsage().arrayBuffers
  for (let i = 0; i < rounds; i++) round(i)
  use(new Uint8Array(0))
  age()
  return process.memoryUsage().arrayBuffers - before
}

const everyEighth = (round: number) => {
  if (round % 8 === 7) collectYoung()
}

const few = 8 * bufferBytes

it('what a channel has written is garbage at once, however old the channel is', async () => {
  const socket = Object.assign(new EventEmitter(), {
    write: () => true,
    destroy: () => {},
    writableLength: 0,
    writableNeedDrain: false
  })
  const channel = new SocketChannel(
    socket as unknown as Socket,
    { onBytes() {}, onDrain() {}, onClose() {} },
    { add() {} }
  )
  const kept = await keptBytes((bytes) => {
    channel.write(bytes.subarray(0, 12))
    channel.write(bytes)
    channel.flush()
  }, age)
  expect(kept).toBeLessThan(few)
})

it('what has left a recency set is garbage at once, though the first of a row has grown old in it', async () => {
  const set = new RecencySet<Uint8Array>()
  // a Map is made anew every so many changes, and its old table is such garbage
  for (let i = 0; i < 1_000; i++) set.use(new Uint8Array(0))
  let before: Uint8Array = new Uint8Array(0)
  set.use(before)
  const kept = await keptBytes((bytes) => {
    set.use(bytes)
    set.delete(before)
    before = bytes
  }, everyEighth)
  expect(kept).toBeLessThan(few)
})

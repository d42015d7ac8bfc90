import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { Contacts } from '../../src/rendezvous/contacts.ts'
import { ProviderBook } from '../../src/rendezvous/provider-book.ts'
import { Memory } from '../../src/rendezvous/remembered/memory.ts'
import { restore } from '../../src/rendezvous/remembered/restore.ts'
import { openState } from '../../src/state/state.ts'
import { SimulatedClock } from '../support/clock.ts'
import { collectedLog } from '../support/log.ts'

const bytes = (text: string) => new Uint8Array(Buffer.from(text))

/** A process on a directory, as far as it concerns the state. */
async function processOn(dataDir: string) {
  const state = await openState(dataDir, { logger: collectedLog().logger, clock: new SimulatedClock() })
  const contacts = new Contacts()
  const book = new ProviderBook(contacts, () => {}, {
    maxRecords: 99,
    maxPerKey: 99,
    maxPerPeer: 99,
    maxBytes: 1e9,
    maxBytesPerSource: 1e9
  })
  const memory = new Memory(state.changes, contacts, () => 0)
  const rooms = { contacts, book, changes: state.changes }
  const restored = await restore(state.store, rooms, 99, 0, new AbortController().signal)
  state.whenReplaced(() => memory.rewriteAll())
  memory.start(book)
  return { state, book, restored }
}

it('that is gone while the process runs is written anew, with all that the process knows', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'state-'))
  const first = await processOn(dataDir)
  for (const peer of ['a', 'b', 'c']) {
    first.book.add(bytes(peer), [multiaddr('/ip4/192.0.2.1/tcp/4001').bytes], bytes('k'), 'net', 0)
  }
  await first.state.changes.flush()
  rmSync(join(dataDir, 'state'), { recursive: true })
  // LevelDB needs a new file, and finds out, once its log is full; a write that failed is made again
  for (let attempt = 0; attempt < 3; attempt++) {
    first.state.changes.changed('big', () => new Uint8Array(5_000_000))
    await first.state.changes.flush()
  }
  await first.state.close()

  const second = await processOn(dataDir)
  expect(second.restored).toMatchObject({ records: 3, unreadable: 0, failure: undefined })
  await second.state.close()
})

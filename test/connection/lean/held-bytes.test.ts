import { defaultLogger } from '@libp2p/logger'
import { expect, it } from 'vitest'
import { FullStream } from '../../../src/connection/lean/full-stream.ts'
import { InboundNegotiation } from '../../../src/connection/lean/negotiation.ts'
import type { YamuxStream } from '../../../src/connection/yamux/session.ts'
import { ignoring } from '../identify/identified.ts'
import { dataFrame, FIN, frame, RST, session, WINDOW_BYTES, WINDOW_UPDATE } from '../yamux/support.ts'
import { greeting, lines } from './raw-client.ts'

/** A session whose peer has opened stream 1, and what it is told to hold. */
function opened(accept: (stream: YamuxStream) => void) {
  const { owner, receive, yamux, opened: open } = session()
  const seen = { heldBytes: 0 }
  Object.assign(owner, {
    onHolding: (difference: number) => {
      seen.heldBytes += difference
    }
  })
  owner.accept = accept
  open(1)
  return { seen, receive, yamux }
}

function fullStream() {
  let full: FullStream | undefined
  const { seen, receive, yamux } = opened((stream) => {
    full = new FullStream(stream, '/a', defaultLogger().forComponent('test'))
    full.deliver()
  })
  if (full === undefined) throw new Error('no stream')
  return { full, seen, receive, yamux }
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

it('a full stream counts what nobody listens to yet, until somebody does', async () => {
  const { full, seen, receive } = fullStream()
  receive(dataFrame(1, Buffer.alloc(1_000)), dataFrame(1, Buffer.alloc(500)))
  expect(seen.heldBytes).toBe(1_500)
  full.addEventListener('message', () => {})
  await nextTurn()
  expect(seen.heldBytes).toBe(0)
  receive(dataFrame(1, Buffer.alloc(1_000)))
  expect(seen.heldBytes).toBe(0)
})

it('a full stream counts what is given back to it, and drops what is not to be read', async () => {
  const { full, seen, receive } = fullStream()
  receive(dataFrame(1, Buffer.alloc(1_000)))
  full.unshift(new Uint8Array(200))
  expect(seen.heldBytes).toBe(1_200)
  full.push(new Uint8Array(30))
  expect(seen.heldBytes).toBe(1_230)
  await full.closeRead()
  expect(seen.heldBytes).toBe(0)
  receive(dataFrame(1, Buffer.alloc(1_000)))
  expect(seen.heldBytes).toBe(0)
})

it('a full stream counts what its peer does not take, once', async () => {
  const { full, seen, receive } = fullStream()
  const behind = 1_000
  expect(full.send(new Uint8Array(WINDOW_BYTES + behind))).toBe(false)
  expect(seen.heldBytes).toBe(behind)
  full.send(new Uint8Array(500))
  expect(seen.heldBytes).toBe(behind + 500)
  receive(frame(WINDOW_UPDATE, 0, 1, WINDOW_BYTES))
  await nextTurn()
  expect(seen.heldBytes).toBe(0)
})

it.each<[string, (there: ReturnType<typeof fullStream>) => void]>([
  ['its peer resets it', ({ receive }) => receive(frame(WINDOW_UPDATE, RST, 1, 0))],
  ['it is aborted', ({ full }) => full.abort(new Error('enough'))],
  ['its connection ends', ({ yamux }) => yamux.close('the peer left')]
])('a full stream counts nothing once %s', async (_how, end) => {
  const there = fullStream()
  there.receive(dataFrame(1, Buffer.alloc(1_000)))
  there.full.send(new Uint8Array(WINDOW_BYTES + 1))
  there.full.send(new Uint8Array(1))
  end(there)
  expect(there.seen.heldBytes).toBe(0)
  there.full.addEventListener('message', () => {})
  await nextTurn()
  expect(there.seen.heldBytes).toBe(0)
})

function negotiation() {
  const served: string[] = []
  const router = {
    isSupported: (protocol: string) => protocol === '/a',
    serve: (stream: YamuxStream, { protocol }: { protocol: string }) => {
      stream.handler = ignoring
      served.push(protocol)
    }
  }
  return {
    served,
    ...opened((stream) => {
      stream.handler = new InboundNegotiation(stream, undefined, router)
    })
  }
}

const proposal = lines(greeting, '/a')

it('half a line counts until the other half is there', () => {
  const { seen, served, receive } = negotiation()
  receive(dataFrame(1, proposal.subarray(0, 10)))
  expect(seen.heldBytes).toBe(10)
  receive(dataFrame(1, proposal.subarray(10, -2)))
  expect(seen.heldBytes).toBe(2)
  receive(dataFrame(1, proposal.subarray(-2)))
  expect([seen.heldBytes, served]).toEqual([0, ['/a']])
})

it.each<[string, (there: ReturnType<typeof negotiation>) => void]>([
  ['the peer ends the stream', ({ receive }) => receive(frame(WINDOW_UPDATE, FIN, 1, 0))],
  ['the peer says what is no line', ({ receive }) => receive(dataFrame(1, Buffer.alloc(200, 0xff)))],
  ['the connection ends', ({ yamux }) => yamux.close('the peer left')]
])('half a line counts no longer once %s', (_how, end) => {
  const there = negotiation()
  there.receive(dataFrame(1, proposal.subarray(0, 10)))
  end(there)
  expect(there.seen.heldBytes).toBe(0)
})

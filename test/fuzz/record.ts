// npx tsx test/fuzz/record.ts: records the corpus, messages that Go peers send to a node in this process. Needs a build and Go.
import '../support/polyfill.ts'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { TLSSocket } from 'node:tls'
import { BootstrapNode } from '../../src/bootstrap-node.ts'
import { IdentifyReader } from '../../src/connection/identify/reader.ts'
import { LineReader } from '../../src/connection/negotiation/lines.ts'
import { MessageReader } from '../../src/connection/noise/message-reader.ts'
import { XxResponder } from '../../src/connection/noise/xx-responder.ts'
import { YamuxSession } from '../../src/connection/yamux/session.ts'
import { FrameReader } from '../../src/frames.ts'
import { decodeRequest } from '../../src/rendezvous/wire.ts'
import { conformance } from '../interop/harness/conformance.ts'
import { testConfig } from '../support/config.ts'
import { collectedLog } from '../support/log.ts'

/** Of each kind; different in length or in the first bytes. */
const maxPerKind = 12
const maxBytes = 4096
const found = new Map<string, Map<string, Uint8Array>>()

function note(kind: string, bytes: Uint8Array): void {
  const list = found.get(kind) ?? new Map<string, Uint8Array>()
  found.set(kind, list)
  if (bytes.length === 0 || bytes.length > maxBytes || list.size >= maxPerKind) return
  list.set(`${bytes.length} ${bytes[1]} ${bytes[2]}`, Uint8Array.from(bytes))
}

const { push: pushLine } = LineReader.prototype
LineReader.prototype.push = function (chunk) {
  note('multistream', chunk)
  pushLine.call(this, chunk)
}
const { push: pushMessage } = MessageReader.prototype
MessageReader.prototype.push = function (chunk) {
  note('noise-message', chunk)
  pushMessage.call(this, chunk)
}
const { readThird } = XxResponder.prototype
XxResponder.prototype.readThird = function (message) {
  const read = readThird.call(this, message)
  note('noise-payload', read.payload)
  return read
}
const sessions = new WeakMap<YamuxSession, Uint8Array[]>()
const { receive } = YamuxSession.prototype
YamuxSession.prototype.receive = function (chunk) {
  const chunks = sessions.get(this) ?? []
  sessions.set(this, chunks)
  // the first flights of a session, together: a later one begins in the middle
  if (chunks.length < 4) {
    chunks.push(Uint8Array.from(chunk))
    note('yamux', Buffer.concat(chunks))
  }
  receive.call(this, chunk)
}
const identifyFrames = new WeakSet<object>()
const { onData } = IdentifyReader.prototype
let inIdentify = false
IdentifyReader.prototype.onData = function (bytes) {
  inIdentify = true
  onData.call(this, bytes)
  inIdentify = false
}
const { next } = FrameReader.prototype
FrameReader.prototype.next = function () {
  const frame = next.call(this)
  if (typeof frame !== 'string') {
    if (inIdentify) identifyFrames.add(this)
    note(identifyFrames.has(this) ? 'identify' : 'kad', frame)
    for (const peer of decodeRequest(frame)?.providerPeers ?? []) for (const addr of peer.addrs) note('address', addr)
  }
  return frame
}
const { getPeerX509Certificate } = TLSSocket.prototype
TLSSocket.prototype.getPeerX509Certificate = function () {
  const certificate = getPeerX509Certificate.call(this)
  if (certificate !== undefined) note('certificate', certificate.raw)
  return certificate
}

const node = await BootstrapNode.create(testConfig(), { logger: collectedLog().logger })
try {
  const addr = node.libp2p.getMultiaddrs()[0]?.toString() ?? ''
  const target = { kind: 'given', addr, stop: async () => null } as const
  for (const security of ['noise', 'tls'] as const) {
    for (const name of ['rendezvous', 'records', 'push', 'relay']) {
      await conformance(name, target, security).catch((error: unknown) => console.error(`${name}: ${error}`))
    }
  }
} finally {
  await node.close()
}
for (const [kind, list] of found) {
  const directory = new URL(`corpus/${kind}/`, import.meta.url)
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  for (const [at, bytes] of [...list.values()].entries())
    writeFileSync(new URL(`go-${String(at).padStart(2, '0')}.bin`, directory), bytes)
  console.log(`${kind}: ${list.size}`)
}
process.exit(0)

import { connect } from 'node:net'
import { startAdminServer } from '../../../src/observe/admin/server.ts'
import { json } from '../../../src/observe/http/server.ts'
import { collectedLog } from '../../support/log.ts'
import { type Mutate, mutateBytes, repeat } from '../mutate/bytes.ts'
import { bytesOfText, promise, type Target } from '../target.ts'

const waitMs = 5_000
const requests = [
  'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'HEAD /readyz?verbose=1 HTTP/1.1\r\nHost: 127.0.0.1:6061\r\nConnection: close\r\n\r\n',
  'GET / HTTP/1.0\r\n\r\n',
  'POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello',
  'POST /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nTrailer: x\r\n\r\n',
  'GET http://evil.example/healthz HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n\r\n',
  'GET /%2e%2e/..//healthz?a=%zz&&=#x HTTP/1.1\r\nHost: [::1]:6061\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n',
  'CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: localhost\r\nAccess-Control-Request-Method: POST\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
]
const words = [
  ...[
    'GET',
    'TRACE',
    '/healthz',
    '/..',
    '%00',
    '?',
    '#',
    'HTTP/1.1',
    'HTTP/9.9',
    '\r\n',
    '\n',
    '\r\n\r\n',
    ' ',
    '\t',
    ':',
    '\0',
    'é'
  ],
  ...[
    'Host: localhost\r\n',
    'Host: evil.example\r\n',
    'Host:\r\n',
    'Content-Length: 99999999999999999999\r\n',
    'Content-Length: -1\r\n'
  ],
  ...[
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: identity, chunked\r\n',
    'Connection: keep-alive\r\n',
    ' folded: line\r\n'
  ],
  ...['X: '.padEnd(9000, 'x'), '/healthz?'.padEnd(9000, 'a=b&'), 'ffffffffffffffff\r\n']
]

/** Half of the changes put a word of the protocol somewhere, at the end of a line most of the time. */
const mutate: Mutate = (bytes, random, others) => {
  if (random.oneIn(2)) return mutateBytes(bytes, random, others).subarray(0, 60_000)
  const lines = Buffer.from(bytes).toString('latin1').split('\r\n')
  const at = random.below(lines.length)
  const word = random.pick(words)
  const line = lines[at] ?? ''
  if (random.oneIn(3)) {
    const cut = random.below(line.length + 1)
    lines[at] = line.slice(0, cut) + word + line.slice(cut)
  } else lines.splice(at + 1, 0, word.trimEnd())
  const text = bytesOfText(lines.join('\r\n'))
  return (random.oneIn(8) ? repeat(text, random.pick([2, 30])) : text).subarray(0, 60_000)
}

/** The admin server over real sockets: no answer but a whole one of HTTP, none of status 500, and none to a name of the web. */
export async function httpTarget(): Promise<Target> {
  const { logger, lines } = collectedLog()
  const routes = new Map([
    ['/healthz', { reply: () => json({ status: 'ok' }) }],
    ['/readyz', { reply: async () => json({ status: 'not ready' }, 503) }]
  ])
  const server = await startAdminServer({ host: '127.0.0.1', port: 0, logger, routes })
  const port = Number(server.address.split(':').at(-1))
  let asked = 0

  const check = async (input: Uint8Array) => {
    const answer = (await exchange(port, input)).toString('latin1')
    const statuses = [...answer.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status))
    promise(answer === '' || answer.startsWith('HTTP/1.1 '), `no answer of HTTP: ${answer.slice(0, 80)}`)
    const known = [100, 200, 400, 403, 404, 405, 408, 413, 417, 431, 503]
    promise(
      statuses.every((status) => known.includes(status)),
      `status ${statuses}`
    )
    promise(
      lines.length === 0,
      lines
        .splice(0)
        .map(({ text }) => text)
        .join()
    )
    if (asked++ % 100 > 0) return
    const healthy = await exchange(port, bytesOfText(requests[0] ?? ''))
    promise(healthy.toString().startsWith('HTTP/1.1 200 '), 'an honest question is not answered any more')
  }
  return { name: 'admin HTTP', weight: 1, seeds: requests.map(bytesOfText), mutate, check, close: () => server.close() }
}

/** Sends all, ends its side, and hears what comes. */
function exchange(port: number, bytes: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const heard: Buffer[] = []
    const socket = connect({ port, host: '127.0.0.1' })
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`the connection is still open after ${waitMs} ms`))
    }, waitMs)
    socket.on('data', (chunk) => heard.push(chunk)).on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(Buffer.concat(heard))
    })
    socket.end(bytes)
  })
}

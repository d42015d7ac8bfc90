import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { pino } from 'pino'
import { expect, it } from 'vitest'
import { json, startHttpServer } from '../../../src/observe/http/server.ts'

it('refuses a second Host header, since a proxy may have taken the other one', async () => {
  const server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    name: 'test server',
    logger: pino({ level: 'silent' }),
    silenceMs: 10_000,
    route: () => ({ reply: () => json({}) })
  })
  const ask = async (...hosts: string[]) => {
    const socket = connect(Number(server.address.split(':')[1]), '127.0.0.1')
    await once(socket, 'connect')
    const headers = [...hosts.map((host) => `Host: ${host}`), 'Connection: close'].join('\r\n')
    socket.write(`GET / HTTP/1.1\r\n${headers}\r\n\r\n`)
    return (await text(socket)).split('\r\n')[0]
  }
  try {
    expect(await ask('localhost')).toBe('HTTP/1.1 200 OK')
    expect(await ask('localhost', 'attacker.example')).toBe('HTTP/1.1 400 Bad Request')
  } finally {
    await server.close()
  }
})

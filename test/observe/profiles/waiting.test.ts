import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { commandLine } from '../../../src/observe/profiles/command-line.ts'
import { describeHandle, describeRequest } from '../../../src/observe/profiles/resources.ts'
import { waitingGrouped, waitingInFull, waitingSince } from '../../../src/observe/profiles/waiting.ts'

describe('what the process waits on', () => {
  const server = createServer()
  const outbound: Socket[] = []
  const inbound: Socket[] = []
  let port: number

  beforeEach(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as { port: number }).port
    for (let i = 0; i < 3; i++) {
      const accepted = once(server, 'connection') as Promise<[Socket]>
      const socket = connect(port, '127.0.0.1')
      outbound.push(socket)
      await once(socket, 'connect')
      inbound.push((await accepted)[0])
    }
  })

  afterEach(async () => {
    for (const socket of [...outbound.splice(0), ...inbound.splice(0)]) socket.destroy()
    await new Promise((closed) => server.close(closed))
  })

  it('is grouped by kind and origin, most first', () => {
    const lines = waitingGrouped().split('\n')
    expect(lines).toContain(`3 @ Socket: inbound, accepted on 127.0.0.1:${port}`)
    expect(lines).toContain(`3 @ Socket: outbound, to port ${port}`)
    expect(lines).toContain(`1 @ Server: listening on 127.0.0.1:${port}`)
    const counts = lines.filter((line) => / @ /.test(line)).map((line) => Number(line.split(' ')[0]))
    expect(counts).toEqual([...counts].sort((a, b) => b - a))
    expect(Number(/total (\d+)/.exec(lines[0]!)?.[1])).toBe(counts.reduce((a, b) => a + b))
  })

  it('is shown one by one, bounded, with the number of those left out', () => {
    const total = Number(/total (\d+)/.exec(waitingInFull())?.[1])
    expect(waitingInFull()).not.toContain('left out')
    const bounded = waitingInFull(4)
    expect(bounded.match(/^\d+ \[/gm)).toHaveLength(4)
    expect(bounded).toContain(`# ${total - 4} more are left out`)
  })

  it('describes a socket by its two ends, its state and its bytes', () => {
    expect(describeHandle(inbound[0]!)).toEqual({
      kind: 'Socket',
      origin: `inbound, accepted on 127.0.0.1:${port}`,
      detail: `local 127.0.0.1:${port}, remote 127.0.0.1:${inbound[0]!.remotePort}, state open, read 0 B, written 0 B`
    })
  })

  it('describes requests, and what it does not know', () => {
    class GetAddrInfoReqWrap {
      hostname = 'a.example'
    }
    class TCPConnectWrap {
      address = '10.0.0.1'
      port = 9100
    }
    expect(describeRequest(new GetAddrInfoReqWrap())).toEqual({
      kind: 'GetAddrInfoReqWrap',
      origin: 'request of the process',
      detail: 'to a.example'
    })
    expect(describeRequest(new TCPConnectWrap()).detail).toBe('to 10.0.0.1:9100')
    const unknown = { kind: 'Object', origin: 'no more is known', detail: '' }
    expect(describeHandle(Object.create(null) as object)).toEqual(unknown)
  })

  it('puts equal stacks of a window together', () => {
    const alive = [
      { kind: 'Timeout', stack: 'at a' },
      { kind: 'TCPWRAP', stack: '' },
      { kind: 'Timeout', stack: 'at a' }
    ]
    const text = waitingSince({ alive, leftOut: 5 }, 2, 1)
    expect(text).toContain('# created within 2 s and still alive: 3')
    expect(text).toContain('2 × Timeout, created\n    at a\n')
    expect(text).toContain('# 6 more are left out')
  })
})

describe('the command line', () => {
  const key = 'a1'.repeat(64)

  it('is separated by NUL, as in Go', () => {
    expect(commandLine(['node', 'main.js', '--port', '9100'])).toBe('node\0main.js\0--port\x009100')
  })

  it.each([128, 136, 192])('never shows a key of %i hex digits', (digits) => {
    const hex = 'AbCdEf01'.repeat(24).slice(0, digits)
    for (const argv of [[hex], ['--id', hex], [`--id=${hex}`], [`x${hex}y`, hex], [`0x${hex}`]]) {
      expect(commandLine(argv)).not.toMatch(/[0-9a-f]{16}/i)
    }
  })

  it('never shows the value of a flag for a secret, whatever its form', () => {
    expect(commandLine(['--private-key', 'CAESQ+base64/==', '--port', '1'])).toBe(
      '--private-key\0[hidden]\0--port\x001'
    )
    expect(commandLine(['--private-key=CAESQ+base64/=='])).toBe('--private-key=[hidden]')
    expect(commandLine(['--password=x=y', `--key-file=/etc/${key}`])).toBe(
      '--password=[hidden]\0--key-file=/etc/[hidden]'
    )
  })

  it('leaves paths and addresses alone', () => {
    const argv = [
      '--key-file',
      '/var/lib/key',
      '--peer',
      '/ip4/1.2.3.4/tcp/9100/p2p/12D3KooWQ5pSPTf2YkzGqPHPwJYu3d6uLqpzYe8rMRMKDLLmHo5e'
    ]
    expect(commandLine(argv)).toBe(argv.join('\0'))
  })
})

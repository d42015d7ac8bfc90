import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { imageAllocator } from '../../bench/hostile/allocator.ts'
import { settings } from '../../src/config/settings.ts'

const path = (name: string) => new URL(`../../deploy/${name}`, import.meta.url).pathname

/** The values of each directive, in order. */
function directives(name: string): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const line of readFileSync(path(name), 'utf8').split('\n')) {
    const [, directive, value] = line.match(/^(\w+)=(.*)$/) ?? []
    if (directive !== undefined) found.set(directive, [...(found.get(directive) ?? []), value ?? ''])
  }
  return found
}

const service = directives('powerloom-bootstrap-node.service')
const socket = directives('powerloom-bootstrap-node.socket')

describe('the units of systemd', () => {
  it('pass the sockets that the node listens on by default', () => {
    const { LISTEN_ADDRESS, BOOTSTRAP_PORT } = settings
    expect(socket.get('ListenStream')).toEqual([`${LISTEN_ADDRESS.fallback}:${BOOTSTRAP_PORT.fallback}`])
    // an IPv6 socket that took IPv4 too would leave no port for the other
    expect(socket.get('BindIPv6Only')).toEqual(['ipv6-only'])
  })

  it('never give up while clients wait', () => {
    expect([service.get('Restart'), service.get('StartLimitIntervalSec')]).toEqual([['always'], ['0']])
    expect(service.get('Requires')).toEqual(['powerloom-bootstrap-node.socket'])
  })

  it('keep the state in the directory that systemd makes', () => {
    expect(service.get('Environment')).toEqual([`DATA_DIR=%S/${service.get('StateDirectory')?.[0]}`])
  })

  it('offer the malloc of the image', () => {
    const variables = Object.entries(imageAllocator()).map(([name, value]) => `${name}=${value}`)
    expect(variables).toHaveLength(2)
    const unit = readFileSync(path('powerloom-bootstrap-node.service'), 'utf8')
    expect(unit).toContain(`\n#Environment=${variables.join(' ')}\n`)
  })

  it('allow the files and the time that the node may need', () => {
    const most = Number(settings.CONN_MANAGER_HIGH_WATER.fallback) + 100
    expect(Number(service.get('LimitNOFILE')?.[0])).toBeGreaterThan(2 * most)
    expect(Number(service.get('TimeoutStopSec')?.[0])).toBeGreaterThan(10)
  })

  const [node = ''] = service.get('ExecStart')?.[0]?.split(' ') ?? []
  const known = spawnSync('systemd-analyze', ['--version']).status === 0 && existsSync(node)
  it.skipIf(!known)('are understood by systemd', () => {
    const units = [...['service', 'socket'].map((kind) => path(`powerloom-bootstrap-node.${kind}`))]
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', ...units], { encoding: 'utf8' })
    expect([status, stdout, stderr]).toEqual([0, '', ''])
  })
})

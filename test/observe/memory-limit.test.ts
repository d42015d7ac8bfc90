import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { heapLimitBytes } from '../../src/observe/heap-limit.ts'
import { memoryLimit, type ReadText } from '../../src/observe/memory-limit.ts'
import { filesNeeded, isOutOfFiles, mostConnections, openFileLimit } from '../../src/observe/open-files.ts'
import { residentBytes } from '../../src/observe/resident-memory.ts'

const machineBytes = 16e9

function files(content: Record<string, string>): ReadText {
  return (path) => {
    const text = content[path]
    if (text === undefined) throw new Error(`ENOENT ${path}`)
    return text
  }
}

describe('memoryLimit', () => {
  it('is the machine where there are no cgroups', () => {
    const limit = memoryLimit(files({}), machineBytes)
    expect(limit).toMatchObject({ bytes: machineBytes, of: 'machine' })
    expect(limit.usedBytes()).toBeGreaterThan(10e6)
  })

  it('reads cgroup v2, and what cannot be given back', () => {
    const content = {
      '/proc/self/cgroup': '0::/\n',
      '/sys/fs/cgroup/memory.max': '512000000\n',
      '/sys/fs/cgroup/memory.current': '400000000\n',
      '/sys/fs/cgroup/memory.stat': 'anon 1\ninactive_file 150000000\nactive_file 3\n'
    }
    const limit = memoryLimit(files(content), machineBytes)
    expect(limit).toMatchObject({ bytes: 512e6, of: 'container' })
    expect(limit.usedBytes()).toBe(250e6)
  })

  it('takes the lowest limit of the groups around, such as a slice of systemd', () => {
    const content = {
      '/proc/self/cgroup': '0::/system.slice/node.service\n',
      '/sys/fs/cgroup/system.slice/memory.max': '1000000000\n',
      '/sys/fs/cgroup/system.slice/node.service/memory.max': 'max\n'
    }
    expect(memoryLimit(files(content), machineBytes)).toMatchObject({ bytes: 1e9, of: 'container' })
  })

  it('reads cgroup v1, in a container that sees the path of the machine around it', () => {
    const content = {
      '/proc/self/cgroup': '5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n0::/\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '300000000\n',
      '/sys/fs/cgroup/memory/memory.usage_in_bytes': '200000000\n',
      '/sys/fs/cgroup/memory/memory.stat': 'inactive_file 1\ntotal_inactive_file 50000000\n'
    }
    const limit = memoryLimit(files(content), machineBytes)
    expect(limit).toMatchObject({ bytes: 300e6, of: 'container' })
    expect(limit.usedBytes()).toBe(150e6)
  })

  it('knows no limit by its number', () => {
    const content = {
      '/proc/self/cgroup': '4:memory:/\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n'
    }
    expect(memoryLimit(files(content), machineBytes).of).toBe('machine')
  })
})

describe('heapLimitBytes', () => {
  it("is the operator's, the last one given", () => {
    const flags = ['--enable-source-maps', '--max_old_space_size=100', '--max-old-space-size=300']
    expect(heapLimitBytes(flags)).toBe(300 * 1024 * 1024)
  })

  it("is V8's else, without what is for the young", () => {
    expect(heapLimitBytes([], 4_288 * 1024 * 1024)).toBe(4_096 * 1024 * 1024)
    expect(heapLimitBytes([], 200 * 1024 * 1024)).toBe(100 * 1024 * 1024)
  })
})

describe('open files', () => {
  it('reads the limit of the process', () => {
    const line = (soft: string) => () =>
      `Limit  Soft  Hard\nMax open files            ${soft}          524288     files\n`
    expect(openFileLimit(line('1024'))).toBe(1024)
    expect(openFileLimit(line('unlimited'))).toBe(Number.POSITIVE_INFINITY)
    expect(openFileLimit(() => '')).toBeUndefined()
    expect(openFileLimit(() => expect.fail('ENOENT'))).toBeUndefined()
    expect(isOutOfFiles()).toBe(false)
  })

  it('are one for a connection, and some: with fewer the cap is lower than Go has it', () => {
    expect(filesNeeded(50_000)).toBe(50_300)
    expect(mostConnections(50_000, filesNeeded(50_000))).toBe(50_100)
    expect(mostConnections(50_000, filesNeeded(50_000) - 1)).toBe(50_099)
    expect(mostConnections(50_000, 1_024)).toBe(824)
    expect(mostConnections(50_000, 100)).toBe(50)
    expect(mostConnections(50_000)).toBe(50_100)
  })

  it('are as many for the alert and in what operators read', () => {
    const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
    const beside = filesNeeded(0)
    const sum = (path: string) => `CONN_MANAGER_HIGH_WATER${path.endsWith('.md') ? '`' : ''} + ${beside}`
    expect(read('deploy/monitoring/alerts.yml')).toContain(
      `${beside} + sum without (mark) (bootstrap_connections_limit{`
    )
    const unit = 'deploy/powerloom-bootstrap-node.service'
    for (const path of [
      'docs/operating.md',
      'docs/metrics.md',
      'README.md',
      '.env.example',
      'docker-compose.yaml',
      unit
    ]) {
      expect(read(path), path).toContain(sum(path))
    }
  })
})

it('RSS is what it was when it cannot be read, as without a file left', () => {
  expect(residentBytes(() => 123)).toBe(123)
  const emfile = () => {
    throw Object.assign(new Error('process.memoryUsage'), { code: 'EMFILE' })
  }
  expect(residentBytes(emfile)).toBe(123)
})

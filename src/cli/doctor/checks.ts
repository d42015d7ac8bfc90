import { isIPv6 } from 'node:net'
import type { Config } from '../../config/index.ts'
import { filesNeeded } from '../../observe/open-files.ts'
import { ipKind, isPublic } from '../../peers/ip-kind.ts'
import type { DirectoryFact, Facts, Finding, PortFact } from './facts.ts'
import { connectionsIn, heapNeed, memoryNeed } from './need.ts'

/** All that can be said of a machine and a configuration; nothing is looked at but what is passed. */
export function examine(facts: Facts, config: Config): Finding[] {
  return [
    openFiles(facts, config),
    memory(facts, config),
    heap(facts, config),
    ...ports(facts, config),
    clock(facts),
    ...listenAddresses(facts, config),
    publicIp(facts, config),
    dataDir(facts, config),
    ...keyFile(facts),
    ...logFile(facts, config),
    ...operatorServers(facts, config)
  ]
}

const count = (n: number) => n.toLocaleString('en')
const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(bytes < 1e9 ? 2 : 1)} GB`
const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`

/** Each connection is one. */
export function openFiles({ openFiles: has }: Pick<Facts, 'openFiles'>, { connections }: Config): Finding {
  const name = 'open files'
  const [high, low] = [filesNeeded(connections.highWater), filesNeeded(connections.lowWater)]
  if (has === undefined) return { name, level: 'ok', value: 'the system does not say how many may be open' }
  if (has === Number.POSITIVE_INFINITY || has >= high) return { name, level: 'ok', value: `${count(has)} may be open` }
  return {
    name,
    level: has < low ? 'fail' : 'warn',
    value: `${count(has)} may be open, ${count(high)} are needed for CONN_MANAGER_HIGH_WATER=${connections.highWater}`,
    advice: `raise the limit (systemd: LimitNOFILE=${high}; Docker: NOFILE_LIMIT=${high} in .env, or --ulimit nofile=${high}:${high}; shell: ulimit -n ${high}), or lower CONN_MANAGER_HIGH_WATER; until then fewer are let in`
  }
}

export function memory({ memory: { bytes, of } }: Pick<Facts, 'memory'>, config: Config): Finding {
  const name = 'memory'
  const { lowWater, highWater } = config.connections
  const has = `the ${of} has ${gigabytes(bytes)}`
  const need = memoryNeed(config, highWater)
  if (bytes >= need) return { name, level: 'ok', value: `${has}, ${gigabytes(need)} are needed at most` }
  return {
    name,
    level: bytes < memoryNeed(config, lowWater) ? 'fail' : 'warn',
    value: `${has}, ${count(highWater)} TLS connections need ${gigabytes(need)}`,
    advice: `give it ${gigabytes(need)}, or set CONN_MANAGER_HIGH_WATER to at most ${count(connectionsIn(config, bytes))}; when memory gets short the node closes connections`
  }
}

export function heap({ heapBytes, memory: { bytes } }: Pick<Facts, 'heapBytes' | 'memory'>, config: Config): Finding {
  const name = 'heap limit'
  // no more connections than fit into the memory
  const connections = Math.min(config.connections.highWater, connectionsIn(config, bytes))
  const need = heapNeed(config, connections)
  const has = `V8 takes ${megabytes(heapBytes)} at most`
  if (heapBytes > bytes) {
    return {
      name,
      level: 'warn',
      value: `${has}, and there are only ${megabytes(bytes)}`,
      advice: `start Node with --max-old-space-size=${Math.floor(bytes / 2 / 1024 ** 2)}, or the kernel may end it`
    }
  }
  if (heapBytes >= need) return { name, level: 'ok', value: `${has}, ${megabytes(need)} are needed` }
  return {
    name,
    level: 'warn',
    value: `${has}, ${count(connections)} connections need ${megabytes(need)}`,
    advice: `start Node with --max-old-space-size=${Math.ceil(need / 1024 ** 2)}, as in NODE_OPTIONS=--max-old-space-size=${Math.ceil(need / 1024 ** 2)}`
  }
}

export function ports({ ports }: Pick<Facts, 'ports'>, { port }: Config): Finding[] {
  return (ports ?? []).map((fact) => portFinding(fact, port))
}

function portFinding({ address, state, detail }: PortFact, port: number): Finding {
  const name = 'port'
  const at = `${port} on ${address}`
  const fail = (value: string, advice: string): Finding => ({ name, level: 'fail', value, advice })
  switch (state) {
    case 'free':
      return { name, level: 'ok', value: `${at} is free` }
    case 'ours':
      return { name, level: 'ok', value: `${at} is this node's: ${detail}` }
    case 'taken':
      return fail(
        `${at} is taken, and not by this node (${detail})`,
        `see who has it (ss -ltnp sport = :${port}), or choose another BOOTSTRAP_PORT`
      )
    case 'forbidden':
      return fail(`${at} may not be opened (${detail})`, 'choose a BOOTSTRAP_PORT above 1023, or let systemd open it')
    case 'failed':
      return fail(`${at} cannot be opened (${detail})`, 'check LISTEN_ADDRESS')
  }
}

/** Before this program was written: a clock that was never set. */
const earliestMs = Date.UTC(2026, 0, 1)
const latestMs = Date.UTC(2100, 0, 1)

export function clock({ clock: { nowMs, isSynchronized } }: Pick<Facts, 'clock'>): Finding {
  const name = 'clock'
  const now = new Date(nowMs).toISOString()
  if (nowMs < earliestMs || nowMs > latestMs) {
    return {
      name,
      level: 'fail',
      value: `it says ${now}`,
      advice: 'set it (timedatectl set-ntp true): peers refuse certificates of another time, and records would not end'
    }
  }
  if (isSynchronized === false) {
    return { name, level: 'warn', value: `${now}, not synchronized`, advice: 'timedatectl set-ntp true' }
  }
  return { name, level: 'ok', value: isSynchronized === true ? `${now}, synchronized` : now }
}

const isWildcard = (address: string) => address === '0.0.0.0' || address === '::'

export function listenAddresses({ addresses }: Pick<Facts, 'addresses'>, config: Config): Finding[] {
  return config.listenAddresses
    .filter((ip) => !isWildcard(ip) && ipKind(ip) !== 'loopback' && !addresses.includes(ip))
    .map((ip) => ({
      name: 'LISTEN_ADDRESS',
      level: 'fail',
      value: `${ip} is no address of this machine (${addresses.join(', ')})`,
      advice: 'listen on 0.0.0.0, and put the address that clients dial into PUBLIC_IP'
    }))
}

/** Who is told to dial an address that leads nowhere has lost a search. */
export function publicIp({ addresses }: Pick<Facts, 'addresses'>, { publicIp: ip, listenAddresses }: Config): Finding {
  const name = 'PUBLIC_IP'
  if (ip === undefined) {
    const isLocal = listenAddresses.every((listen) => ipKind(listen) === 'loopback')
    const hasPublic = [...addresses, ...listenAddresses].some((own) => !isWildcard(own) && ipKind(own) === 'public')
    if (isLocal || hasPublic) return { name, level: 'ok', value: 'unset; the listen addresses are announced' }
    return {
      name,
      level: 'warn',
      value: 'unset, and this machine has no public address of its own',
      advice: 'set it to the address that clients dial, unless they are all in this network'
    }
  }
  const kind = ipKind(ip)
  if (kind === 'reserved' || kind === 'loopback') {
    const what = kind === 'loopback' ? 'means this machine to whoever dials it' : 'is an address that nobody has'
    return { name, level: 'fail', value: `${ip} ${what}`, advice: 'set it to the address that clients dial' }
  }
  if (!listenAddresses.some((listen) => isIPv6(listen) === isIPv6(ip))) {
    return {
      name,
      level: 'warn',
      value: `${ip} is IPv${isIPv6(ip) ? 6 : 4}, and the node does not listen there`,
      advice: `add ${isIPv6(ip) ? '::' : '0.0.0.0'} to LISTEN_ADDRESS, unless something in front of the node translates`
    }
  }
  if (kind !== 'public') {
    return {
      name,
      level: 'warn',
      value: `${ip} is a ${kind} address`,
      advice: 'clients elsewhere cannot dial it; set it to the public one, unless they are all in this network'
    }
  }
  return { name, level: 'ok', value: addresses.includes(ip) ? ip : `${ip}, not of this machine: behind a NAT` }
}

/** Records, contacts and the copy that a repair makes. */
const stateBytes = 500e6
const tooLittleBytes = 50e6

export function dataDir({ dataDir: fact }: Pick<Facts, 'dataDir'>, { privateKey }: Config): Finding {
  const name = 'DATA_DIR'
  if (fact !== undefined) return directory(name, fact, stateBytes)
  const kept = privateKey === undefined ? 'identity, records and peers end' : 'records and peers end'
  return { name, level: 'ok', value: `unset: ${kept} with the process` }
}

/** The node closes it to others itself; who read it before is this node, too. */
export function keyFile({ keyFile: fact }: Pick<Facts, 'keyFile'>): Finding[] {
  if (fact === undefined) return []
  const mode = fact.mode.toString(8).padStart(3, '0')
  const name = 'key file'
  if ((fact.mode & 0o077) === 0) return [{ name, level: 'ok', value: `${fact.path}, mode ${mode}` }]
  return [
    {
      name,
      level: 'warn',
      value: `${fact.path} can be used by others (mode ${mode})`,
      advice: `chmod 600 ${fact.path}; whoever has read it can be this node`
    }
  ]
}

export function logFile({ logDir }: Pick<Facts, 'logDir'>, { log: { file } }: Config): Finding[] {
  if (logDir === undefined || file === undefined) return []
  return [directory('LOG_FILE', logDir, file.maxSizeMb * 1e6 * (Math.max(1, file.maxBackups) + 1))]
}

function directory(name: string, { path, problem, freeBytes }: DirectoryFact, needBytes: number): Finding {
  if (problem !== undefined) {
    const advice = 'make it writable for the user of the node (in Docker: uid 1000), or choose another'
    return { name, level: 'fail', value: `${path} cannot be written (${problem})`, advice }
  }
  if (freeBytes === undefined || freeBytes >= needBytes) {
    return { name, level: 'ok', value: freeBytes === undefined ? path : `${path}, ${gigabytes(freeBytes)} free` }
  }
  return {
    name,
    level: freeBytes < Math.min(needBytes, tooLittleBytes) ? 'fail' : 'warn',
    value: `${path} has ${megabytes(freeBytes)} free, ${megabytes(needBytes)} may be needed`,
    advice: 'free some space, or choose another disk'
  }
}

/** Neither asks for a password. In a container every address is inside of it, and what is published decides. */
export function operatorServers({ isContainer }: Pick<Facts, 'isContainer'>, { admin, profiles }: Config): Finding[] {
  const servers = { ADMIN_ADDRESS: admin, PPROF_ADDRESS: profiles }
  return Object.entries(servers).flatMap(([name, server]): Finding[] => {
    if (server === undefined || isContainer || !isPublic(server.address)) return []
    return [
      {
        name,
        level: 'warn',
        value: `${server.address} port ${server.port} may be open to the world, and asks for no password`,
        advice: `set ${name}=127.0.0.1 and come through ssh -L, or see to a firewall`
      }
    ]
  })
}

import { describe, expect, it } from 'vitest'
import { ConfigError, loadConfig, readArguments } from '../../src/config/index.ts'
import type { Sources } from '../../src/config/load.ts'

function load(argv: string[], environment: Record<string, string> = {}, rest: Partial<Sources> = {}) {
  return loadConfig({
    arguments: readArguments(argv),
    environment,
    dotenv: { values: {} },
    whyNotWritable: () => undefined,
    ...rest
  })
}

function problems(argv: string[], environment: Record<string, string> = {}, rest: Partial<Sources> = {}) {
  try {
    load(argv, environment, rest)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

describe('loadConfig', () => {
  it('needs no setting at all and has the defaults of the Go service', () => {
    expect(load([])).toMatchObject({
      port: 4001,
      listenAddresses: ['0.0.0.0'],
      connections: { lowWater: 20_000, highWater: 50_000, gracePeriodMs: 60_000, maxPerPeer: 8 },
      relay: { maxReservations: 128, maxReservationsPerIp: 8, maxCircuitsPerPeer: 16 },
      providers: { maxRecords: 400_000, maxPerKey: 100_000, maxPerPeer: 1_000, maxBytes: 256_000_000 },
      gossipsubTopicPrefix: '/powerloom/snapshot-submissions',
      log: { level: 'info', libp2pLevel: 'info', peerConnections: false },
      admin: { address: '127.0.0.1', port: 6061 },
      profiles: undefined
    })
  })

  it('prefers flag to environment to .env to default', () => {
    const dotenv = { BOOTSTRAP_PORT: '3', PUBLIC_IP: '198.51.100.3', PPROF_PORT: '6060' }
    const environment = { BOOTSTRAP_PORT: '2', PUBLIC_IP: '198.51.100.2' }
    const config = load(['--port', '1'], environment, { dotenv: { values: dotenv } })
    expect([config.port, config.publicIp, config.profiles?.port, config.listenAddresses]).toEqual([
      1,
      '198.51.100.2',
      6060,
      ['0.0.0.0']
    ])
  })

  it('takes an empty text for unset, as compose passes unset variables on', () => {
    expect(load([], { PRIVATE_KEY: '', BOOTSTRAP_PORT: ' ', LOG_FILE: '' })).toMatchObject({
      privateKey: undefined,
      port: 4001
    })
  })

  it('reads --port=9100 and the single dash of Go', () => {
    expect(load(['--port=9100']).port).toBe(9100)
    expect(load(['-port', '9100']).port).toBe(9100)
  })

  it('listens on IPv6, and on several addresses', () => {
    expect(load([], { LISTEN_ADDRESS: '0.0.0.0, ::' }).listenAddresses).toEqual(['0.0.0.0', '::'])
  })

  it('takes bootstrap peers between commas, spaces or lines, whatever they are', () => {
    expect(load([], { BOOTSTRAP_PEERS: ' /ip4/203.0.113.7/tcp/1/p2p/x, garbage\n/dns4/b ' }).bootstrapPeers).toEqual([
      '/ip4/203.0.113.7/tcp/1/p2p/x',
      'garbage',
      '/dns4/b'
    ])
    expect(load([]).bootstrapPeers).toEqual([])
  })

  it('is frozen, to the ground', () => {
    const config = load([])
    expect(Object.isFrozen(config)).toBe(true)
    expect(Object.isFrozen(config.connections)).toBe(true)
  })

  it('turns the relay off', () => {
    expect(load([], { ENABLE_RELAY_SERVICE: 'false' }).relay).toBeUndefined()
  })

  it('reports all that is wrong at once, by name, with the value and what is allowed', () => {
    const found = problems(['--port', '70000', '--colour', 'red'], {
      CONN_MANAGER_LOW_WATER: '200',
      CONN_MANAGER_HIGH_WATER: '100',
      PUBLIC_IP: 'example.org',
      LOG_LEVEL: 'loud',
      LOG_COMPRESS: 'maybe',
      RELAY_MAX_CIRCUITS: '-1',
      PPROF_PORT: '6O60'
    })
    expect(found.map(({ subject, value }) => [subject, value])).toEqual([
      ['command line', undefined],
      ['command line', undefined],
      ['BOOTSTRAP_PORT', '"70000"'],
      ['PUBLIC_IP', '"example.org"'],
      ['RELAY_MAX_CIRCUITS', '"-1"'],
      ['LOG_LEVEL', '"loud"'],
      ['LOG_COMPRESS', '"maybe"'],
      ['PPROF_PORT', '"6O60"'],
      ['CONN_MANAGER_LOW_WATER', '200']
    ])
    expect(found.find(({ subject }) => subject === 'BOOTSTRAP_PORT')?.problem).toMatch(/from 1 to 65535/)
    expect(found[0]?.problem).toMatch(/--colour/)
  })

  it.each([
    ['BOOTSTRAP_PORT', '0'],
    ['BOOTSTRAP_PORT', '65536'],
    ['BOOTSTRAP_PORT', '4001.0'],
    ['BOOTSTRAP_PORT', '1e3'],
    ['BOOTSTRAP_PORT', '0x10'],
    ['LISTEN_ADDRESS', 'localhost'],
    ['LISTEN_ADDRESS', '127.0.0.1,'],
    ['LISTEN_ADDRESS', 'fe80::1%eth0'],
    ['PUBLIC_IP', '0.0.0.0'],
    ['PUBLIC_IP', '1.2.3.4:4001'],
    ['CONN_MANAGER_HIGH_WATER', '0'],
    ['GOSSIPSUB_SNAPSHOT_SUBMISSION_PREFIX', 'powerloom'],
    ['LIBP2P_LOGGING', 'verbose']
  ])('refuses %s=%s', (variable, value) => {
    expect(problems([], { [variable]: value }).map(({ subject }) => subject)).toEqual([variable])
  })

  it('does not let a wrong mark hide what is wrong with the other', () => {
    const found = problems([], { CONN_MANAGER_LOW_WATER: 'many', CONN_MANAGER_HIGH_WATER: '100' })
    expect(found.map(({ subject }) => subject)).toEqual(['CONN_MANAGER_LOW_WATER'])
  })

  it('hides the value of a key that cannot be read, and says what is wrong with it', () => {
    const secret = 'ab'.repeat(60)
    const [problem] = problems([], { PRIVATE_KEY: secret })
    expect(problem).toMatchObject({ subject: 'PRIVATE_KEY', value: '<hidden>' })
    expect(problem?.problem).toMatch(/120 digits/)
    expect(JSON.stringify(problem)).not.toContain('abab')
  })

  it('shows no key that was put in the wrong place', () => {
    const secret = 'ab'.repeat(64)
    for (const [argv, environment] of [
      [['--private-key', secret], {}],
      [[`PRIVATE_KEY=${secret}`], {}],
      [['--port', secret], {}],
      [[], { PUBLIC_IP: secret }]
    ] as const) {
      expect(() => load([...argv], environment)).toThrow(/hidden/)
      expect(() => load([...argv], environment)).not.toThrow(/abab/)
    }
  })

  it('spells addresses as libp2p does', () => {
    expect(load([], { PUBLIC_IP: '2001:0DB8:0:0::1' }).publicIp).toBe('2001:db8::1')
    expect(problems([], { PUBLIC_IP: '0:0:0:0:0:0:0:0' })).toHaveLength(1)
  })

  it.each(['127.0.0.1,127.0.0.1', '0.0.0.0,127.0.0.1', '::,::1'])('refuses to listen twice: %s', (list) => {
    expect(problems([], { LISTEN_ADDRESS: list }).map(({ subject }) => subject)).toEqual(['LISTEN_ADDRESS'])
  })

  it('says that .env cannot be read, beside what else is wrong', () => {
    const dotenv = { values: {}, problem: 'it cannot be read (EISDIR)' }
    const found = problems([], { BOOTSTRAP_PORT: 'x' }, { dotenv })
    expect(found.map(({ subject }) => subject)).toEqual(['.env', 'BOOTSTRAP_PORT'])
  })

  it('asks whether LOG_FILE can be written', () => {
    const found = problems(
      [],
      { LOG_FILE: '/nowhere/x.log' },
      { whyNotWritable: () => 'it cannot be written (EACCES)' }
    )
    expect(found).toEqual([
      { subject: 'LOG_FILE', value: '"/nowhere/x.log"', problem: expect.stringMatching('EACCES') }
    ])
  })

  it.each([
    [{ PPROF_PORT: '4001' }, ['PPROF_PORT']],
    [{ ADMIN_PORT: '4001' }, ['ADMIN_PORT']],
    [{ PPROF_PORT: '6061' }, ['PPROF_PORT']],
    [{ BOOTSTRAP_PORT: '6060', ADMIN_PORT: '6060', PPROF_PORT: '6060' }, ['ADMIN_PORT', 'PPROF_PORT']],
    [{ ADMIN_PORT: '0', PPROF_PORT: '6061' }, []]
  ])('puts no two servers on one port: %j', (environment, subjects) => {
    expect(problems([], environment).map(({ subject }) => subject)).toEqual(subjects)
  })

  it.each(['0.0.0.0', '::', '8.8.8.8', '2606:4700::1', '203.0.113.5'])(
    'lets the world reach neither metrics nor profiles at %s, unless it is said in so many words',
    (address) => {
      const both = { ADMIN_ADDRESS: address, PPROF_ADDRESS: address, PPROF_PORT: '6060' }
      expect(problems([], both).map(({ subject }) => subject)).toEqual(['ADMIN_ADDRESS', 'PPROF_ADDRESS'])
      expect(problems([], { ...both, ADMIN_ALLOW_REMOTE: 'true' })).toEqual([])
      // where nothing is served nothing is wrong
      expect(problems([], { ADMIN_ADDRESS: address, ADMIN_PORT: '0', PPROF_ADDRESS: address })).toEqual([])
    }
  )

  it.each(['127.0.0.1', '::1', '10.1.2.3', '192.168.0.9', 'fd00::1'])('serves operators at %s', (address) => {
    expect(problems([], { ADMIN_ADDRESS: address, PPROF_ADDRESS: address, PPROF_PORT: '6060' })).toEqual([])
  })
})

describe('readArguments', () => {
  it('knows the commands', () => {
    expect(readArguments(['--help']).command.name).toBe('help')
    expect(readArguments(['-h']).command.name).toBe('help')
    expect(readArguments(['--version']).command.name).toBe('version')
    expect(readArguments(['--generate-key']).command.name).toBe('generate-key')
    expect(readArguments(['-generate-key']).command.name).toBe('generate-key')
    expect(readArguments(['check', '/ip4/1.2.3.4/tcp/1']).command).toEqual({
      name: 'check',
      address: '/ip4/1.2.3.4/tcp/1',
      json: false
    })
    expect(readArguments(['check', '--json']).command).toEqual({ name: 'check', address: undefined, json: true })
    expect(readArguments(['doctor', '--json']).command).toEqual({ name: 'doctor', json: true })
    expect(readArguments(['doctor', '--port', '1']).problems).toEqual([])
  })

  it.each([
    [['--port'], /--port needs a value/],
    [['run'], /unknown command "run"/],
    [['--generate-key=yes'], /takes no value/],
    [['check', 'a', 'b'], /one multiaddr/],
    [['doctor', 'a'], /no argument/],
    [['--json'], /belongs to check and doctor/]
  ])('refuses %j', (argv, why) => {
    expect(readArguments(argv).problems).toEqual([expect.stringMatching(why)])
  })
})

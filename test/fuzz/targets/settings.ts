import { ConfigError, configFrom } from '../../../src/config/load.ts'
import { settings } from '../../../src/config/settings.ts'
import { maxAddressesPerMember, maxMembers, readMembers } from '../../../src/federation/members.ts'
import { parsePrivateKey } from '../../../src/identity/key-formats.ts'
import { HttpError, hostOf, isSafeHost } from '../../../src/observe/http/request.ts'
import { debugOf, gcOf, refuse, secondsOf } from '../../../src/observe/profiles/request.ts'
import type { Mutate } from '../mutate/bytes.ts'
import { mutateBytes } from '../mutate/bytes.ts'
import { bytesOfText, promise, type Target } from '../target.ts'

const someId = '12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB'
const someKey =
  '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8'
const text = (input: Uint8Array) => Buffer.from(input).toString('utf8')

/** Lines of `NAME=value`. */
function checkSettings(input: Uint8Array): void {
  const lines = text(input).split('\n')
  const environment = Object.fromEntries(
    lines.map((line) => [line.split('=', 1)[0] ?? '', line.slice(line.indexOf('=') + 1)])
  )
  try {
    const config = configFrom(environment)
    promise(Object.isFrozen(config), 'a configuration that can be changed')
    promise(config.connections.lowWater <= config.connections.highWater, 'low water is above high water')
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause
    promise(cause.problems.length > 0, 'an error without a problem')
    checkSecret(environment.PRIVATE_KEY, cause.message)
  }
}

/** A text of this length in an error is a part of a key that says too much. */
const tellingChars = 24

function checkSecret(key: string | undefined, message: string): void {
  const hex = key?.match(/[0-9a-f]{24,}/i)?.[0]
  promise(hex === undefined || !message.includes(hex.slice(0, tellingChars)), 'an error tells a part of the key')
}

function checkKey(input: Uint8Array): void {
  const key = parsePrivateKey(text(input))
  if ('problem' in key) checkSecret(text(input), key.problem)
  else promise(key.length === 64, `a key of ${key.length} bytes`)
}

function checkMembers(input: Uint8Array): void {
  const list = text(input).split(/[\s,]+/)
  const { members, problems } = readMembers(list, someId)
  promise(members.length <= maxMembers, `${members.length} members`)
  promise(
    members.every(({ addresses }) => addresses.length > 0 && addresses.length <= maxAddressesPerMember),
    'addresses'
  )
  promise(problems.length <= list.length, 'more problems than texts')
  promise(
    problems.every((problem) => problem.length < 1000),
    'a problem that quotes everything'
  )
}

const readers = [
  (query: URLSearchParams) => secondsOf(query, 30),
  (query: URLSearchParams) => debugOf(query, 2),
  (query: URLSearchParams) => Number(gcOf(query)),
  (query: URLSearchParams) => refuse(query, 'seconds', 'compare two') ?? 0
]

function checkQuery(input: Uint8Array): void {
  const query = new URLSearchParams(text(input))
  for (const read of readers) {
    try {
      const value = read(query)
      promise(Number.isInteger(value) && value >= 0 && value <= 300, `a parameter of ${value}`)
    } catch (cause) {
      if (!(cause instanceof HttpError)) throw cause
      promise(cause.status === 400, `status ${cause.status}`)
    }
  }
  const host = hostOf(text(input))
  const dotted = /[a-z]\.[a-z]+$/i.test(host) && !/localhost\.?$/i.test(host)
  promise(!(dotted && isSafeHost(host, false)), `the server answers to ${host}`)
}

const lists = [
  `/ip4/10.0.0.1/tcp/4001/p2p/${someId}`,
  `/dns4/one.example/tcp/4001/p2p/12D3KooWM6CgA9iBFZmcYAHA6A2qvbAxqfkmrYiRQuz3XEsk4Ksv,/ip6/::1/tcp/1/p2p/16Uiu2HAkutTMoTzDw1tCvSRtu6YoixJwS46S1ZFxW8hSx9fWHiPs`,
  `/ip4/1.2.3.4/udp/1/quic-v1/p2p/${someId} /unix/a/b /ip6zone/x/ip6/fe80::1/tcp/1`
]
const environments = [
  Object.entries(settings)
    .map(([name, { fallback }]) => `${name}=${fallback ?? ''}`)
    .join('\n'),
  `PRIVATE_KEY=${someKey}\nLISTEN_ADDRESS=127.0.0.1,::1\nPUBLIC_IP=192.0.2.1\nBOOTSTRAP_PEERS=${lists[1]}\nPPROF_PORT=6060`
]
const queries = [
  'seconds=30&debug=2&gc=1',
  'debug=0',
  'seconds=%31',
  '[::1]:6061',
  'evil.example:6061',
  'localhost',
  'a=&&=b&%zz=%'
]
const words = [
  someId,
  someKey,
  '0x',
  '\0',
  '\ud800',
  '__proto__=1',
  'constructor=',
  '1e3',
  '0x10',
  '-0',
  '９',
  'İ',
  '%00',
  '=',
  '\n'
]

/** Half of the changes put a word where it does harm. */
const mutateText: Mutate = (bytes, random, others) => {
  const mutated = random.oneIn(3) ? bytes : mutateBytes(bytes, random, others)
  if (random.oneIn(2)) return mutated
  const at = random.below(mutated.length + 1)
  return Buffer.concat([mutated.subarray(0, at), Buffer.from(random.pick(words)), mutated.subarray(at)])
}

export function settingsTargets(): Target[] {
  return [
    { name: 'settings', weight: 3, seeds: environments.map(bytesOfText), mutate: mutateText, check: checkSettings },
    {
      name: 'private key',
      weight: 2,
      seeds: [someKey, `0x08011240${someKey}`].map(bytesOfText),
      mutate: mutateText,
      check: checkKey
    },
    { name: 'BOOTSTRAP_PEERS', weight: 3, seeds: lists.map(bytesOfText), mutate: mutateText, check: checkMembers },
    { name: 'queries and hosts', weight: 6, seeds: queries.map(bytesOfText), mutate: mutateText, check: checkQuery }
  ]
}

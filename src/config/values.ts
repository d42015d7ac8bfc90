import { isIP, isIPv6 } from 'node:net'
import * as z from 'zod'
import { privateNetworks } from '../peers/ip-kind.ts'
import { type IpNetwork, parseIpNetwork } from '../peers/ip-networks.ts'

/** A kind of value: how it is read from text, and the words for what is allowed. */
export interface ValueKind<T> {
  readonly schema: z.ZodType<T, string>
  readonly allowed: string
}

const text = z.string().trim()

export function integer(min: number, max: number, unit?: string): ValueKind<number> {
  return {
    allowed: `a whole number from ${min} to ${max}${unit === undefined ? '' : ` (${unit})`}`,
    schema: text
      .regex(/^\d{1,15}$/)
      .transform(Number)
      .refine((n) => n >= min && n <= max)
  }
}

/** For limits whose default follows from something else. */
export function integerOrAuto(min: number, max: number): ValueKind<number | 'auto'> {
  const number = integer(min, max)
  return {
    allowed: `\`auto\`, or ${number.allowed}`,
    schema: z.union([text.toLowerCase().pipe(z.literal('auto')), number.schema])
  }
}

export const port: ValueKind<number> = integer(1, 65_535)

const spelled = new Map([
  ['true', true],
  ['1', true],
  ['yes', true],
  ['false', false],
  ['0', false],
  ['no', false]
])

export const boolean: ValueKind<boolean> = {
  allowed: 'true or false',
  schema: text.transform((word, context) => {
    const value = spelled.get(word.toLowerCase())
    if (value !== undefined) return value
    context.issues.push({ code: 'custom', input: word, message: 'not a boolean' })
    return z.NEVER
  })
}

export function oneOf<const T extends string>(...choices: readonly T[]): ValueKind<T> {
  return {
    allowed: `one of ${choices.join(', ')}`,
    schema: text
      .transform((word) => choices.find((choice) => choice === word.toLowerCase()))
      .refine((choice) => choice !== undefined)
  }
}

/** An address to bind to, in its shortest spelling: without brackets, port or zone. */
export const ipAddress: ValueKind<string> = {
  allowed: 'an IPv4 or IPv6 address',
  schema: text.refine((address) => isIP(address) !== 0 && !address.includes('%')).transform(shortest)
}

/** `2001:0DB8:0:0::1` is `2001:db8::1`, as libp2p will write it. */
function shortest(address: string): string {
  return isIPv6(address) ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address
}

/** Several of them, separated by commas: `0.0.0.0,::`. */
export const ipAddresses: ValueKind<readonly string[]> = {
  allowed: 'an IPv4 or IPv6 address, or several separated by commas',
  schema: text.transform((list) => list.split(',').map((item) => item.trim())).pipe(z.array(ipAddress.schema))
}

/** Networks between commas or white space; `private` stands for loopback and all private ones, `none` for no network. */
export const networks: ValueKind<readonly IpNetwork[]> = {
  allowed: '`private`, `none`, addresses or networks like 203.0.113.0/24, separated by commas',
  schema: text.transform((list, context) =>
    list
      .split(/[\s,]+/)
      .filter((word) => word !== '' && word !== 'none')
      .flatMap((word) => {
        if (word === 'private') return privateNetworks
        const network = parseIpNetwork(word)
        if (network !== undefined) return [network]
        context.issues.push({ code: 'custom', input: word, message: 'no network' })
        return []
      })
  )
}

/** Words between commas or white space. What each means is for the reader to say: a wrong one keeps no node from running. */
export const words: ValueKind<readonly string[]> = {
  allowed: 'multiaddrs with a peer id, separated by commas or spaces',
  schema: text.transform((list) => list.split(/[\s,]+/).filter((word) => word !== ''))
}

/** An address that others can dial: an IP, but not the wildcard. */
export const dialableIp: ValueKind<string> = {
  allowed: 'an IPv4 or IPv6 address that clients can dial, without a port',
  schema: ipAddress.schema.refine((address) => !['0.0.0.0', '::'].includes(address))
}

export const path: ValueKind<string> = {
  allowed: 'a path of a file that can be written',
  schema: text.refine((name) => !name.includes('\0'))
}

export const directory: ValueKind<string> = { ...path, allowed: 'a path of a directory that can be written' }

export const topicPrefix: ValueKind<string> = {
  allowed: 'a topic prefix that starts with / and does not end with one',
  schema: text.regex(/^\/.*[^/]$/)
}

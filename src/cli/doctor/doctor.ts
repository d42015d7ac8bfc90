import type { Clock } from '../../clock.ts'
import type { Config } from '../../config/index.ts'
import { probe } from '../check/probe.ts'
import { examine } from './checks.ts'
import type { Finding } from './facts.ts'
import { gather, portFacts } from './gather.ts'

/** Looks at this machine with the eyes of the node that this configuration starts. */
export async function doctor(config: Config, clock: Clock): Promise<readonly Finding[]> {
  const ports = await portFacts(config, () => probe(config))
  return examine({ ...gather(config, clock), ports }, config)
}

/** A line each, and below it what to do. */
export function findingLines(findings: readonly Finding[]): string {
  const width = Math.max(0, ...findings.map(({ name }) => name.length))
  const lines = findings.map(({ name, level, value, advice }) => {
    const line = `${level.padEnd(4)}  ${name.padEnd(width)}  ${value}`
    return advice === undefined ? line : `${line}\n      ${' '.repeat(width)}  ${advice}`
  })
  return `${lines.join('\n')}\n`
}

/** One object. */
export function findingsJson(findings: readonly Finding[]): string {
  return `${JSON.stringify({ ok: isHealthy(findings), findings }, null, 2)}\n`
}

/** Whether nothing keeps the node from doing its work. */
export function isHealthy(findings: readonly Finding[]): boolean {
  return findings.every(({ level }) => level !== 'fail')
}

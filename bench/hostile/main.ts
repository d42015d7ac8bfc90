import { deployedAllocator } from './allocator.ts'
import { HOSTILE_USAGE, type HostileOptions, hostileArguments } from './arguments.ts'
import { type Attack, attacks as allAttacks } from './attacks.ts'
import { HonestCrowd } from './crowd.ts'
import { type Ordeal, ordeal, ordealOfLatecomers } from './ordeal.ts'
import { type Subject, type SubjectName, startSubject } from './subjects.ts'
import { ordealTable, type Row } from './table.ts'
import { isRecovered, missed } from './targets.ts'

async function main(): Promise<number> {
  let options: HostileOptions
  try {
    options = hostileArguments(process.argv.slice(2))
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${HOSTILE_USAGE}`)
    return 2
  }
  const rows: Row[] = []
  for (const attack of options.attacks) {
    for (const subject of options.subjects) {
      if (attack.needsAdmin && subject === 'go') continue
      const row = await survive(attack, subject, options)
      rows.push(row)
      console.error(`${attack.name}, ${subject}: ${verdict(row)}`)
    }
  }
  console.log(
    `${options.seconds} s of one core each, ${options.clients} honest clients; ${allAttacks.length} attacks; ${mallocName()}\n`
  )
  console.log(ordealTable(rows))
  return rows.every((row) => row.subject !== 'ours' || isPassed(row)) ? 0 : 1
}

/** A fresh server and a fresh crowd for each attack, so that none is excused by the one before. */
async function survive(attack: Attack, name: SubjectName, { seconds, clients }: HostileOptions): Promise<Row> {
  let subject: Subject | undefined
  try {
    subject = await startSubject(name)
    if (attack.comesFirst) {
      const result = await ordealOfLatecomers(attack, subject, clients, seconds, isRecovered)
      return { attack, subject: name, result }
    }
    const honest = await HonestCrowd.join(subject, clients)
    try {
      return { attack, subject: name, result: await ordeal(attack, subject, honest, seconds, isRecovered) }
    } finally {
      await honest.leave()
    }
  } catch (error) {
    return { attack, subject: name, result: undefined, problem: error instanceof Error ? error.message : String(error) }
  } finally {
    await subject?.daemon.stop()
  }
}

function mallocName(): string {
  return deployedAllocator() === undefined
    ? "glibc's malloc, as libjemalloc2 is not installed: the image has it, and less stays"
    : 'with jemalloc, as in the image'
}

function verdict({ attack, result, problem }: Row): string {
  if (result === undefined) return `FAILED: ${problem}`
  const failures = { ...result.seen.errors_kinds, ...result.seen.join_errors_kinds }
  const kinds = Object.keys(failures).length === 0 ? '' : ` ${JSON.stringify(failures)}`
  return `${describe(result)}; missed: ${missed(attack, result).join(', ') || 'nothing'}${kinds}`
}

function describe({ seen, attacked, rssBeforeMB, rssPeakMB, rssAfterMB }: Ordeal): string {
  const memory = `${rssBeforeMB.toFixed(0)} → ${rssPeakMB.toFixed(0)} → ${rssAfterMB.toFixed(0)} MB`
  return `kept ${seen.kept}, p99 ${seen.p99_ms} ms, joins ${seen.newcomers_joined}/${seen.newcomers} in ${seen.join_max_ms} ms, ${memory}, ${JSON.stringify(attacked)}`
}

function isPassed({ attack, result }: Row): boolean {
  return result !== undefined && missed(attack, result).length === 0
}

process.exitCode = await main()

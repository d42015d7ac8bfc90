import { setTimeout as sleep } from 'node:timers/promises'
import { residentKB } from '../variants.ts'
import type { Attack } from './attacks.ts'
import { type Attacked, HonestCrowd, RunningAttack, runAttack, type Seen } from './crowd.ts'
import type { Subject } from './subjects.ts'

const SAMPLE_MS = 100
/** Sockets of the attacker that are closed, and pages that V8 and malloc give back some seconds later. */
const RECOVERED_WITHIN_MS = 30_000
const RECOVERY_LOOK_MS = 1_000
const KB_PER_MB = 1024

/** What an attack did to a server and its honest clients. */
export interface Ordeal {
  readonly seen: Seen
  /** Undefined when the server had ended before the attacker. */
  readonly attacked: Attacked
  readonly rssBeforeMB: number
  readonly rssPeakMB: number
  /** The least within 30 s after the attack, in which nobody tells the server to collect anything. */
  readonly rssAfterMB: number
  /** Lines that the server logged meanwhile, and those of them with a control character. */
  readonly logLines: number
  readonly forgedLines: number
}

/** The attacker settles, then the honest clients come, and are measured for so many seconds. */
export async function ordealOfLatecomers(
  attack: Attack,
  subject: Subject,
  clients: number,
  seconds: number,
  isRecovered: (beforeMB: number, nowMB: number) => boolean
): Promise<Ordeal> {
  const running = await RunningAttack.start(attack, subject)
  try {
    await running.settled()
    const honest = await HonestCrowd.join(subject, clients, attack.halfAway ? clients / 2 : 0)
    try {
      return await ordeal(attack, subject, honest, seconds, isRecovered, running)
    } finally {
      await honest.leave()
    }
  } finally {
    await running.kill()
  }
}

/**
 * At `isRecovered` of a resident size in MB no longer waiting is needed.
 *
 * @param running the attack, when it goes on already
 */
export async function ordeal(
  attack: Attack,
  subject: Subject,
  honest: HonestCrowd,
  seconds: number,
  isRecovered: (beforeMB: number, nowMB: number) => boolean,
  running?: RunningAttack
): Promise<Ordeal> {
  await subject.collect()
  const rssBeforeMB = await residentMB(subject)
  const firstLine = subject.daemon.printed
  const peak = watchPeak(subject)
  honest.beginMeasuring()
  const [attacked, seen] =
    running === undefined
      ? [
          await runAttack(attack, subject, seconds, attack.needsAdmin ? subject.admin : undefined),
          await honest.measured()
        ]
      : await measuredAmid(running, honest, seconds)
  const rssPeakMB = await peak.end()
  const lines = subject.daemon.lines.slice(
    Math.max(0, firstLine - (subject.daemon.printed - subject.daemon.lines.length))
  )
  const rssAfterMB = await recovered(subject, (nowMB) => isRecovered(rssBeforeMB, nowMB))
  return {
    seen,
    attacked,
    rssBeforeMB,
    rssPeakMB,
    rssAfterMB,
    logLines: subject.daemon.printed - firstLine,
    forgedLines: lines.filter(hasControlCharacter).length
  }
}

async function measuredAmid(running: RunningAttack, honest: HonestCrowd, seconds: number): Promise<[Attacked, Seen]> {
  await sleep(seconds * 1_000)
  const seen = await honest.measured()
  running.end()
  return [await running.result(), seen]
}

async function recovered(subject: Subject, isEnough: (nowMB: number) => boolean): Promise<number> {
  const deadlineMs = performance.now() + RECOVERED_WITHIN_MS
  let leastMB = Number.POSITIVE_INFINITY
  for (;;) {
    leastMB = Math.min(leastMB, await residentMB(subject))
    if (isEnough(leastMB) || performance.now() > deadlineMs) return leastMB
    await sleep(RECOVERY_LOOK_MS)
  }
}

function watchPeak(subject: Subject): { end(): Promise<number> } {
  let peakMB = 0
  const look = async () => {
    peakMB = Math.max(peakMB, await residentMB(subject))
  }
  // a server that has died is found by whoever looks last
  const timer = setInterval(() => void look().catch(() => {}), SAMPLE_MS)
  return {
    async end() {
      clearInterval(timer)
      await look()
      return peakMB
    }
  }
}

async function residentMB({ pid, daemon }: Subject): Promise<number> {
  if (!daemon.running) throw new Error(`the server has ended:\n${daemon.tail()}`)
  return (await residentKB(pid)) / KB_PER_MB
}

/** A line of a log that would do something to a terminal. */
function hasControlCharacter(line: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/.test(line)
}

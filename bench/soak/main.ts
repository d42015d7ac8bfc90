import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SOAK_USAGE, soakArguments } from './arguments.ts'
import { soak } from './soak.ts'

/** V8's sampler sees one allocation in 512 KiB, and counts it for all of them: less than two of those is no finding. */
const GOSSIPSUB_BOUND_BYTES = 2 * 512 * 1024

async function main(): Promise<number> {
  const options = readOptions()
  if (options === undefined) return 2
  const directory = join(tmpdir(), `powerloom-soak-${process.pid}`)
  const { bytesPerPeer, passed, gossipsubBytes } = await soak(options, { directory, report: console.log })
  const gossipsubPassed = gossipsubBytes < GOSSIPSUB_BOUND_BYTES
  console.log(`heap profiles after round 2 and at the end: ${directory}`)
  console.log(
    `gossipsub: ${gossipsubBytes} bytes more in the second profile (go tool pprof -base): ${said(gossipsubPassed)}`
  )
  console.log(`${bytesPerPeer.toFixed(0)} bytes a departed peer, bound ${options.boundBytes}: ${said(passed)}`)
  return passed && gossipsubPassed ? 0 : 1
}

function readOptions() {
  try {
    return soakArguments(process.argv.slice(2))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error, `\n${SOAK_USAGE}`)
    return undefined
  }
}

function said(passed: boolean): string {
  return passed ? 'passed' : 'FAILED'
}

process.exitCode = await main()

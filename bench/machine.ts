import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { promisify } from 'node:util'

const run = promisify(execFile)
const goModFile = new URL('../test/interop/go/go.mod', import.meta.url)

/** What has to be known to read the figures: no host names, no paths. */
export interface Circumstances {
  /** ISO day */
  readonly date: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGB: number
  readonly go: string
  readonly goLibp2p: string
  readonly kadDht: string
  readonly rounds: number
}

export async function circumstances(rounds: number, now: Date): Promise<Circumstances> {
  const goMod = await readFile(goModFile, 'utf8')
  const { stdout } = await run('go', ['version'])
  return {
    date: now.toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGB: Math.round(totalmem() / 2 ** 30),
    go: /go(\d[\d.]*)/.exec(stdout)?.[1] ?? stdout.trim(),
    goLibp2p: versionIn(goMod, 'github.com/libp2p/go-libp2p'),
    kadDht: versionIn(goMod, 'github.com/libp2p/go-libp2p-kad-dht'),
    rounds
  }
}

export function sentence(c: Circumstances): string {
  const versions = `Go ${c.go}, go-libp2p ${c.goLibp2p}, kad-dht ${c.kadDht}`
  const machine = `${c.cpu}, ${c.cores} cores, ${c.memoryGB} GB, load generator on the same machine`
  return `Measured ${c.date}: ${versions}; ${machine}; ${c.rounds === 1 ? 'one round' : `medians of ${c.rounds} rounds`}. Below 1 is less than Go; ratios of rates are turned round.`
}

function versionIn(goMod: string, module: string): string {
  const line = goMod.split('\n').find((line) => line.trim().startsWith(`${module} v`))
  return line?.trim().split(' v')[1]?.split(' ')[0] ?? 'unknown'
}

import { pino } from 'pino'
import { expect, it } from 'vitest'
import { LibraryLog } from '../../src/observe/libp2p-logger.ts'

function logged(level: 'info' | 'debug' | 'trace', ownLevel = 'info') {
  const lines: Array<{ level: number; msg: string }> = []
  const logger = pino({ level: ownLevel }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const log = new LibraryLog(logger, level).forComponent('libp2p:tcp')
  log('from %p with %e', { toString: () => 'peer' }, new Error('reset'))
  log.error('refused %d', 3)
  log.trace('detail')
  log.newScope('inner')('deep')
  return lines.map(({ level, msg }) => [level, msg])
}

it('is silent at info: what the libraries call an error is a peer that left', () => {
  expect(logged('info')).toEqual([])
})

it('has a level of its own, below that of the node', () => {
  expect(logged('debug')).toEqual([
    [20, 'libp2p:tcp from peer with reset'],
    [20, 'libp2p:tcp refused 3'],
    [20, 'libp2p:tcp:inner deep']
  ])
  expect(logged('trace').map(([level]) => level)).toContain(10)
})

it('changes its level for the loggers that were handed out before', () => {
  const lines: string[] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line).msg) })
  const libraries = new LibraryLog(logger, 'info')
  const log = libraries.forComponent('libp2p:tcp')
  const scope = log.newScope('inner')
  log('before')
  expect(log.enabled).toBe(false)
  libraries.level = 'debug'
  expect([log.enabled, scope.enabled]).toEqual([true, true])
  log('on')
  scope.error('on')
  log.trace('not yet')
  libraries.level = 'trace'
  log.trace('on too')
  libraries.level = 'warn'
  log('after')
  expect(lines).toEqual(['libp2p:tcp on', 'libp2p:tcp:inner on', 'libp2p:tcp on too'])
})

it('shows control characters of a peer as escapes, and functions by name', () => {
  const lines: string[] = []
  const logger = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line).msg) })
  const log = new LibraryLog(logger, 'debug').forComponent('libp2p:registrar')
  log('protocol %s', '/x\n[2026-11-23T00:00:00.000Z] FATAL: faked\u001b[2K\u0085\u2028')
  log(
    'handler %s and %o',
    function onStream() {},
    () => 'source'
  )
  log(new Error('two\nlines'))
  expect(lines.slice(0, 2)).toEqual([
    'libp2p:registrar protocol /x\\n[2026-11-23T00:00:00.000Z] FATAL: faked\\x1b[2K\\x85\\u2028',
    "libp2p:registrar handler [Function: onStream] and '[Function: anonymous]'"
  ])
  expect(lines[2]).not.toContain('\n')
})

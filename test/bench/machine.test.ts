import { expect, it } from 'vitest'
import { type Circumstances, sentence } from '../../bench/machine.ts'

const about: Circumstances = {
  date: '2026-11-23',
  cpu: 'a CPU',
  cores: 2,
  memoryGB: 24,
  go: '1.26.8',
  goLibp2p: '0.43.0',
  kadDht: '0.34.0',
  rounds: 3
}

it('speaks of medians where there were several rounds', () => {
  expect(sentence(about)).toContain('; medians of 3 rounds.')
  expect(sentence({ ...about, rounds: 1 })).toContain('; one round.')
})

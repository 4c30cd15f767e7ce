import fc from 'fast-check'

export const SEED = Number(process.env['SCISSION_TEST_SEED'] ?? Math.floor(Math.random() * 0x7fffffff))

process.stdout.write(`seed ${SEED}; SCISSION_TEST_SEED=${SEED} repeats it\n`)

/** Asserts a property with the file's seed, which is printed whether it fails or not. */
export function holds<Values>(numRuns: number, property: fc.IProperty<Values>): void {
  fc.assert(property, { seed: SEED, numRuns })
}

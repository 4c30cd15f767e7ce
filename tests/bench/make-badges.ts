import { mkdir, writeFile } from 'node:fs/promises'
import { BADGES_FOLDER, badgesOf, readRecorded } from './badges.ts'

await mkdir(BADGES_FOLDER, { recursive: true })
for (const [name, image] of Object.entries(badgesOf(await readRecorded())))
  await writeFile(`${BADGES_FOLDER}/${name}`, `${image}\n`)

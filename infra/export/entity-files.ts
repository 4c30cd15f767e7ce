import type { Service } from '../../contracts/language/contract-set.ts'
import { subjectToken } from '../../contracts/subjects.ts'

/**
 * A file name for each entity of a service, without an ending: its token in subjects, with a number behind it where two
 * would be one file on a disk that does not tell capitals from small letters.
 */
export function entityFileNames({ entities }: Service): Map<string, string> {
  const used = new Set<string>()
  const names = new Map<string, string>()
  for (const { name } of entities) {
    const token = subjectToken(name)
    let file = token
    for (let number = 2; used.has(file.toLowerCase()); number += 1) file = `${token}~${number}`
    used.add(file.toLowerCase())
    names.set(name, file)
  }
  return names
}

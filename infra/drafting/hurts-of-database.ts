import { type Finding, MONOLITH, warningFinding } from '../preflight/finding.ts'
import { type HurtContext, nameList } from './hurt-context.ts'
import { informationFinding } from './information-finding.ts'
import { typesNeeded } from './own-types.ts'

/** Extensions that types of the services come from must be there before `prepare`, or be allowed to be made by it. */
export function extensionsNeeded({ services, facts }: HurtContext): Finding[] {
  const needed = services.flatMap((service) =>
    typesNeeded(service, facts.types).flatMap(({ extension }) =>
      extension === null ? [] : [{ service: service.name, extension: extension.name }],
    ),
  )
  const names = [...new Set(needed.map(({ extension }) => extension))].toSorted()
  const found = names.map((name) => {
    const users = new Set(needed.filter(({ extension }) => extension === name).map(({ service }) => service))
    return informationFinding(
      'extension',
      MONOLITH,
      `Extension ${name} is needed by ${nameList([...users])}: prepare makes it in their databases.`,
      "See that their servers have it, and that their roles may make it (a trusted extension, or a superuser's work before prepare).",
    )
  })
  const others = facts.objects.extensions.filter((name) => !names.includes(name))
  if (others.length === 0) return found
  return [
    ...found,
    informationFinding(
      'extension',
      MONOLITH,
      `No type of a claimed table comes from these extensions, and the draft does without them: ${nameList(others)}.`,
      'See whether a service calls their functions, and make them there.',
    ),
  ]
}

/** Views, functions and sequences: a contract has tables and their types alone. */
export function objectsThatStay({ facts: { objects } }: HurtContext): Finding[] {
  const kinds: readonly (readonly [string, string, readonly string[], string])[] = [
    ['view', 'Views', objects.views, 'Make anew in a service what its application reads.'],
    ['function', 'Functions and procedures', objects.functions, 'Make anew in a service what it calls.'],
    [
      'sequence',
      'Sequences that no column owns',
      objects.sequences,
      'Make anew in a service what it draws numbers from.',
    ],
  ]
  return kinds.flatMap(([check, title, names, cure]) =>
    names.length === 0
      ? []
      : [warningFinding(check, MONOLITH, `${title} stay in the monolith: ${nameList([...new Set(names)])}.`, cure)],
  )
}

import { entity, service } from '../language/entity.ts'
import { jsonb, text } from '../language/types.ts'
import { moment } from './prisma-columns.ts'

export const settings = service({
  SystemSetting: entity(
    {
      key: text().note('A name, not a UUID.'),
      value: jsonb().secret().note('Any setting of the application; among them may be keys and passwords.'),
      description: text().nullable(),
      updatedAt: moment(),
    },
    { key: ['key'] },
  ),
})

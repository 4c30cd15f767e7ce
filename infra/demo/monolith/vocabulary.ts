/** The words of which names and sentences are made: French, English and Arabic, as the application's users write. */

export const SUBJECTS: readonly string[] = [
  'Customer',
  'Facturation',
  'Commande',
  'Crédit',
  'Sinistre',
  'Entrepôt',
  'Human resources',
  'Trésorerie',
  'Identity',
  'Abonnement',
  'Livraison',
  'Payment',
  'Conformité',
  'إدارة العملاء',
  'الفوترة',
  'المدفوعات',
  'Œuvre',
  'Prévoyance',
  'Pricing',
  'Référentiel produit',
]

export const NOUNS: readonly string[] = [
  'service',
  'portal',
  'processus',
  'interface',
  'base de données',
  'API',
  'événement',
  'capability',
  'serveur',
  'contrat',
  'rôle',
  'data object',
  'نظام',
  'خدمة',
  'passerelle',
  'flux',
  'batch',
  'référentiel',
]

export const SENTENCES: readonly string[] = [
  'Reviewed with the business owner; no open point remains.',
  'À valider par le comité d’architecture avant la fin du trimestre.',
  "L'ancien système reste en place jusqu'à la bascule.",
  'يجب مراجعة هذا العنصر مع فريق الأمن قبل النشر.',
  'Depends on the identity provider, which is replaced next year.',
  'Hébergé dans la zone démilitarisée, sauvegardé chaque nuit à 02:30.',
  'The interface is synchronous: a failure stops the order.',
  'تم ترحيل البيانات بنجاح إلى قاعدة البيانات الجديدة.',
  'Coût annuel estimé : 12 500 € (hors licences).',
  'Ready for review 🚀',
  'Voir aussi le schéma « Vue d’ensemble » — version à jour.',
  'Owner left the company; responsibility is unclear 🤷',
  'Donnée personnelle : durée de conservation de 3 ans.',
  'Replaces the mainframe batch of 1998.',
  'La latence mesurée est de 120 ms au 99e centile.',
  'Out of scope for this iteration.',
  'Le fournisseur annonce une fin de support en 2027.',
  'Used by four applications & two partners.',
]

export interface MetamodelVocabulary {
  readonly name: string
  readonly version: string
  readonly description: string | null
  /** Names of concept types by category; those under '' have none. */
  readonly concepts: Readonly<Record<string, readonly string[]>>
  readonly relations: readonly string[]
}

export const METAMODELS: readonly MetamodelVocabulary[] = [
  {
    name: 'ArchiMate',
    version: '3.2',
    description: 'The Open Group’s language for enterprise architecture.',
    concepts: {
      Strategy: ['Resource', 'Capability', 'ValueStream', 'CourseOfAction'],
      Business: [
        'BusinessActor',
        'BusinessRole',
        'BusinessCollaboration',
        'BusinessInterface',
        'BusinessProcess',
        'BusinessFunction',
        'BusinessInteraction',
        'BusinessEvent',
        'BusinessService',
        'BusinessObject',
        'Contract',
        'Representation',
        'Product',
      ],
      Application: [
        'ApplicationComponent',
        'ApplicationCollaboration',
        'ApplicationInterface',
        'ApplicationFunction',
        'ApplicationInteraction',
        'ApplicationProcess',
        'ApplicationEvent',
        'ApplicationService',
        'DataObject',
      ],
      Technology: ['Node', 'Device', 'SystemSoftware', 'Path', 'CommunicationNetwork', 'Artifact', 'TechnologyService'],
      Motivation: ['Stakeholder', 'Driver', 'Assessment', 'Goal', 'Outcome', 'Principle', 'Requirement', 'Constraint'],
      Implementation: ['WorkPackage', 'Deliverable', 'ImplementationEvent', 'Plateau', 'Gap'],
      '': ['Grouping', 'Location', 'Junction'],
    },
    relations: [
      'Composition',
      'Aggregation',
      'Assignment',
      'Realization',
      'Serving',
      'Access',
      'Influence',
      'Triggering',
      'Flow',
      'Specialization',
      'Association',
    ],
  },
  {
    name: 'BPMN',
    version: '2.0.2',
    description: null,
    concepts: { Activity: ['Task', 'SubProcess'], Event: ['StartEvent', 'EndEvent'], '': ['Gateway', 'Lane'] },
    relations: ['SequenceFlow', 'MessageFlow', 'Association'],
  },
  {
    name: 'C4',
    version: '',
    description: '',
    concepts: { '': ['Person', 'System', 'Container', 'Component'] },
    relations: ['Uses'],
  },
  {
    name: 'Métamodèle maison',
    version: '0.1-β',
    description: 'Les concepts propres à l’entreprise.\nÀ revoir.',
    concepts: { Métier: ['Capacité', 'Métier', 'Événement'], العمل: ['عملية'], '': ['Divers 🧩'] },
    relations: ['Dépend de', 'يعتمد على'],
  },
]

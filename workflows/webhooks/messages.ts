export const DELIVERY_WORKFLOW_TYPE = "webhookDelivery";

export interface DeliveryInput {
  delivery_id: string;
  /** Grows with each time that it is sent again by hand. */
  round: number;
}

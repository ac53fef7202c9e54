/* SPDX-License-Identifier: Apache-2.0 */
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Client BOOTSTRAP TOPIC produce|transact|consume CODEC N: one run of the Java client. */
class Client {
    public static void main(String[] args) throws Exception {
        Properties p = new Properties();
        p.put("bootstrap.servers", args[0]);
        int n = Integer.parseInt(args[4]);
        if (args[2].equals("consume")) {
            p.put("group.id", "java");
            p.put("group.protocol", "consumer");
            p.put("auto.offset.reset", "earliest");
            p.put("isolation.level", "read_committed");
            try (var c = new KafkaConsumer<>(p, new ByteArrayDeserializer(),
                                             new ByteArrayDeserializer())) {
                c.subscribe(List.of(args[1]));
                long limit = System.currentTimeMillis() + 8000;
                for (int got = 0; got < n && System.currentTimeMillis() < limit;)
                    got += c.poll(Duration.ofMillis(200)).count();
                c.commitSync();
            }
            return;
        }
        boolean tx = args[2].equals("transact");
        p.put("compression.type", args[3]);
        p.put("linger.ms", "10");
        if (tx)
            p.put("transactional.id", "java-tx");
        try (var producer = new KafkaProducer<>(p, new ByteArraySerializer(),
                                                new ByteArraySerializer())) {
            if (tx)
                producer.initTransactions();
            for (int i = 0; i < n; i++) {
                if (tx && i % 20 == 0)
                    producer.beginTransaction();
                String text = args[2] + " " + args[3] + " " + i + " " + "filler ".repeat(i % 17);
                producer.send(new ProducerRecord<>(args[1], i % 9 == 0 ? null : bytes("k" + i % 30),
                                                   bytes(text)));
                if (tx && i % 20 == 19) {
                    producer.flush();
                    if (i % 40 == 39)
                        producer.abortTransaction();
                    else
                        producer.commitTransaction();
                }
            }
        }
    }

    private static byte[] bytes(String s) {
        return s.getBytes(StandardCharsets.UTF_8);
    }
}

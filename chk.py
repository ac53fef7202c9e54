import subprocess,sys,zlib,collections
f=sys.argv[1]
t=subprocess.run(['tshark','-r',f,'-o','tcp.desegment_tcp_streams:false','-Y','tcp','-T','fields','-e','frame.time_epoch','-e','ip.src','-e','tcp.srcport','-e','ip.dst','-e','tcp.dstport','-e','tcp.flags','-e','tcp.seq_raw','-e','tcp.len','-e','tcp.payload'],capture_output=True,text=True).stdout
segs=collections.defaultdict(list)
for l in t.splitlines():
    p=l.split('\t'); 
    if int(p[7])==0: continue
    segs[(p[1]+':'+p[2],p[3]+':'+p[4])].append((int(p[6])+(1 if int(p[5],16)&2 else 0),bytes.fromhex(p[8])))
want={}
for k,v in segs.items():
    base=v[0][0]
    v=[(((s-base+2**31)%2**32)-2**31,d) for s,d in v]
    out=b'';pos=None
    for s,d in sorted(v,key=lambda x:(x[0],-len(x[1]))):
        if pos is None: pos=s
        if s+len(d)<=pos: continue
        if s<pos: d=d[pos-s:]; s=pos
        out+=d; pos=s+len(d)
    want[k]=(len(out),'%08x'%zlib.crc32(out))
r=subprocess.run(['./h',f],capture_output=True,text=True)
have={}
for l in r.stdout.splitlines():
    p=l.split(); 
    if p[3]=='0' : continue
    k=(p[1],p[2])
    assert k not in have,(k,'twice')
    have[k]=(int(p[3]),p[4])
print(f.split('/')[-1],'dirs',len(want),'equal',sum(have.get(k)==v for k,v in want.items()),'differ',[(k,v,have.get(k)) for k,v in want.items() if have.get(k)!=v][:3], 'extra',len(set(have)-set(want)))
print(r.stderr.strip(), r.returncode)

// @ts-nocheck
/* Generated from crds/ by `npm run generate`. Do not edit. */
import type { StubDomainSpec } from './stub-domain.ts';
import type { PciAttachmentSpec } from './pci-attachment.ts';
import type { XenHostSpec } from './xen-host.ts';

interface Validator<T> {
  (data: unknown): data is T;
  errors?: readonly { readonly instancePath: string; readonly message?: string }[] | null;
}

export const validateStubDomainSpec: Validator<StubDomainSpec> = validate10 as never;
const schema11 = {"$id":"StubDomainSpec","type":"object","required":["target"],"properties":{"nodeName":{"type":"string","minLength":1,"maxLength":253,"pattern":"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"},"placement":{"type":"string","enum":["FollowGuest","ChooseHost"]},"nodeSelector":{"type":"object","maxProperties":32,"additionalProperties":{"type":"string","maxLength":63}},"flavor":{"type":"string","enum":["MiniOS","Linux"],"default":"MiniOS"},"provisioning":{"type":"string","enum":["Create","Adopt"],"default":"Create"},"target":{"type":"object","required":["uuid"],"properties":{"uuid":{"type":"string","maxLength":36,"pattern":"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"},"name":{"type":"string","minLength":1,"maxLength":64,"pattern":"^[A-Za-z0-9][A-Za-z0-9_.+-]*$"}},"additionalProperties":false},"guest":{"type":"object","required":["memoryMiB"],"properties":{"memoryMiB":{"type":"integer","format":"int32","minimum":16,"maximum":16777216},"vcpus":{"type":"integer","format":"int32","minimum":1,"maximum":512,"default":1},"bootOrder":{"type":"string","maxLength":3,"pattern":"^[cdn]{1,3}$","default":"cd"},"passthrough":{"type":"string","enum":["Enabled","Disabled"],"default":"Disabled"}},"additionalProperties":false},"runState":{"type":"string","enum":["Running","Paused"],"default":"Running"},"kernel":{"type":"string","maxLength":1024,"pattern":"^/[A-Za-z0-9._/+-]+$"},"memoryMiB":{"type":"integer","format":"int32","minimum":16,"maximum":65536},"bios":{"type":"string","enum":["ROMBIOS","SeaBIOS","OVMF"],"default":"ROMBIOS"},"deviceModelArgs":{"type":"array","maxItems":128,"items":{"type":"string","minLength":1,"maxLength":512,"pattern":"^[!#-&(-~]+$"}},"disks":{"type":"array","maxItems":26,"items":{"type":"object","required":["name","source"],"properties":{"name":{"type":"string","minLength":1,"maxLength":63,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},"source":{"type":"string","maxLength":1024,"pattern":"^/[A-Za-z0-9._/:+@-]+$"},"backend":{"type":"string","enum":["Block","File"],"default":"Block"},"access":{"type":"string","enum":["ReadWrite","ReadOnly"],"default":"ReadWrite"},"device":{"type":"string","enum":["Disk","CDROM"],"default":"Disk"}},"additionalProperties":false}},"nics":{"type":"array","maxItems":16,"items":{"type":"object","required":["name","mac","bridge"],"properties":{"name":{"type":"string","minLength":1,"maxLength":63,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},"mac":{"type":"string","maxLength":17,"pattern":"^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$"},"bridge":{"type":"string","minLength":1,"maxLength":15,"pattern":"^[A-Za-z0-9._-]+$"},"model":{"type":"string","maxLength":32,"pattern":"^[a-z0-9_-]+$","default":"rtl8139"}},"additionalProperties":false}},"graphics":{"type":"object","properties":{"type":{"type":"string","enum":["VNC","SDL"],"default":"VNC"},"listen":{"type":"string","minLength":2,"maxLength":45,"pattern":"^[0-9a-f:.]+$","default":"127.0.0.1"},"keymap":{"type":"string","maxLength":16,"pattern":"^[a-z]{2}(-[a-z]{2})?$"}},"additionalProperties":false},"serials":{"type":"array","maxItems":8,"items":{"type":"object","required":["name"],"properties":{"name":{"type":"string","minLength":1,"maxLength":63,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},"output":{"type":"string","maxLength":1024,"pattern":"^(pty|null|(file|pipe):/[A-Za-z0-9._/+-]+)$","default":"pty"}},"additionalProperties":false}},"restoreFrom":{"type":"object","required":["path"],"properties":{"path":{"type":"string","maxLength":1024,"pattern":"^/[A-Za-z0-9._/+-]+$"}},"additionalProperties":false},"deletionPolicy":{"type":"string","enum":["Destroy","Orphan"],"default":"Destroy"}},"additionalProperties":false};
const func2 = Object.prototype.hasOwnProperty;
const pattern0 = new RegExp("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", "u");
const pattern1 = new RegExp("^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", "u");
const pattern2 = new RegExp("^[A-Za-z0-9][A-Za-z0-9_.+-]*$", "u");
const pattern3 = new RegExp("^[cdn]{1,3}$", "u");
const pattern4 = new RegExp("^/[A-Za-z0-9._/+-]+$", "u");
const pattern5 = new RegExp("^[!#-&(-~]+$", "u");
const pattern6 = new RegExp("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "u");
const pattern7 = new RegExp("^/[A-Za-z0-9._/:+@-]+$", "u");
const pattern9 = new RegExp("^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$", "u");
const pattern10 = new RegExp("^[A-Za-z0-9._-]+$", "u");
const pattern11 = new RegExp("^[a-z0-9_-]+$", "u");
const pattern12 = new RegExp("^[0-9a-f:.]+$", "u");
const pattern13 = new RegExp("^[a-z]{2}(-[a-z]{2})?$", "u");
const pattern15 = new RegExp("^(pty|null|(file|pipe):/[A-Za-z0-9._/+-]+)$", "u");

function validate10(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
/*# sourceURL="StubDomainSpec" */;
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.flavor === undefined){
data.flavor = "MiniOS";
}
if(data.provisioning === undefined){
data.provisioning = "Create";
}
if(data.runState === undefined){
data.runState = "Running";
}
if(data.bios === undefined){
data.bios = "ROMBIOS";
}
if(data.deletionPolicy === undefined){
data.deletionPolicy = "Destroy";
}
if(data.target === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "target"},message:"must have required property '"+"target"+"'"};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
for(const key0 in data){
if(!(func2.call(schema11.properties, key0))){
const err1 = {instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0},message:"must NOT have additional properties"};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
}
}
if(data.nodeName !== undefined){
let data0 = data.nodeName;
if(typeof data0 === "string"){
if(data0.length > 253){
const err2 = {instancePath:instancePath+"/nodeName",schemaPath:"#/properties/nodeName/maxLength",keyword:"maxLength",params:{limit: 253},message:"must NOT have more than 253 characters"};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
}
if(data0.length < 1){
const err3 = {instancePath:instancePath+"/nodeName",schemaPath:"#/properties/nodeName/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters"};
if(vErrors === null){
vErrors = [err3];
}
else {
vErrors.push(err3);
}
errors++;
}
if(!pattern0.test(data0)){
const err4 = {instancePath:instancePath+"/nodeName",schemaPath:"#/properties/nodeName/pattern",keyword:"pattern",params:{pattern: "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"},message:"must match pattern \""+"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"+"\""};
if(vErrors === null){
vErrors = [err4];
}
else {
vErrors.push(err4);
}
errors++;
}
}
else {
const err5 = {instancePath:instancePath+"/nodeName",schemaPath:"#/properties/nodeName/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err5];
}
else {
vErrors.push(err5);
}
errors++;
}
}
if(data.placement !== undefined){
let data1 = data.placement;
if(typeof data1 !== "string"){
const err6 = {instancePath:instancePath+"/placement",schemaPath:"#/properties/placement/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err6];
}
else {
vErrors.push(err6);
}
errors++;
}
if(!((data1 === "FollowGuest") || (data1 === "ChooseHost"))){
const err7 = {instancePath:instancePath+"/placement",schemaPath:"#/properties/placement/enum",keyword:"enum",params:{allowedValues: schema11.properties.placement.enum},message:"must be equal to one of the allowed values"};
if(vErrors === null){
vErrors = [err7];
}
else {
vErrors.push(err7);
}
errors++;
}
}
if(data.nodeSelector !== undefined){
let data2 = data.nodeSelector;
if(data2 && typeof data2 == "object" && !Array.isArray(data2)){
if(Object.keys(data2).length > 32){
const err8 = {instancePath:instancePath+"/nodeSelector",schemaPath:"#/properties/nodeSelector/maxProperties",keyword:"maxProperties",params:{limit: 32},message:"must NOT have more than 32 properties"};
if(vErrors === null){
vErrors = [err8];
}
else {
vErrors.push(err8);
}
errors++;
}
for(const key1 in data2){
let data3 = data2[key1];
if(typeof data3 === "string"){
if(data3.length > 63){
const err9 = {instancePath:instancePath+"/nodeSelector/" + key1.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/properties/nodeSelector/additionalProperties/maxLength",keyword:"maxLength",params:{limit: 63},message:"must NOT have more than 63 characters"};
if(vErrors === null){
vErrors = [err9];
}
else {
vErrors.push(err9);
}
errors++;
}
}
else {
const err10 = {instancePath:instancePath+"/nodeSelector/" + key1.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/properties/nodeSelector/additionalProperties/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err10];
}
else {
vErrors.push(err10);
}
errors++;
}
}
}
else {
const err11 = {instancePath:instancePath+"/nodeSelector",schemaPath:"#/properties/nodeSelector/type",keyword:"type",params:{type: "object"},message:"must be object"};
if(vErrors === null){
vErrors = [err11];
}
else {
vErrors.push(err11);
}
errors++;
}
}
let data4 = data.flavor;
if(typeof data4 !== "string"){
const err12 = {instancePath:instancePath+"/flavor",schemaPath:"#/properties/flavor/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err12];
}
else {
vErrors.push(err12);
}
errors++;
}
if(!((data4 === "MiniOS") || (data4 === "Linux"))){
const err13 = {instancePath:instancePath+"/flavor",schemaPath:"#/properties/flavor/enum",keyword:"enum",params:{allowedValues: schema11.properties.flavor.enum},message:"must be equal to one of the allowed values"};
if(vErrors === null){
vErrors = [err13];
}
else {
vErrors.push(err13);
}
errors++;
}
let data5 = data.provisioning;
if(typeof data5 !== "string"){
const err14 = {instancePath:instancePath+"/provisioning",schemaPath:"#/properties/provisioning/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err14];
}
else {
vErrors.push(err14);
}
errors++;
}
if(!((data5 === "Create") || (data5 === "Adopt"))){
const err15 = {instancePath:instancePath+"/provisioning",schemaPath:"#/properties/provisioning/enum",keyword:"enum",params:{allowedValues: schema11.properties.provisioning.enum},message:"must be equal to one of the allowed values"};
if(vErrors === null){
vErrors = [err15];
}
else {
vErrors.push(err15);
}
errors++;
}
if(data.target !== undefined){
let data6 = data.target;
if(data6 && typeof data6 == "object" && !Array.isArray(data6)){
if(data6.uuid === undefined){
const err16 = {instancePath:instancePath+"/target",schemaPath:"#/properties/target/required",keyword:"required",params:{missingProperty: "uuid"},message:"must have required property '"+"uuid"+"'"};
if(vErrors === null){
vErrors = [err16];
}
else {
vErrors.push(err16);
}
errors++;
}
for(const key2 in data6){
if(!((key2 === "uuid") || (key2 === "name"))){
const err17 = {instancePath:instancePath+"/target",schemaPath:"#/properties/target/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key2},message:"must NOT have additional properties"};
if(vErrors === null){
vErrors = [err17];
}
else {
vErrors.push(err17);
}
errors++;
}
}
if(data6.uuid !== undefined){
let data7 = data6.uuid;
if(typeof data7 === "string"){
if(data7.length > 36){
const err18 = {instancePath:instancePath+"/target/uuid",schemaPath:"#/properties/target/properties/uuid/maxLength",keyword:"maxLength",params:{limit: 36},message:"must NOT have more than 36 characters"};
if(vErrors === null){
vErrors = [err18];
}
else {
vErrors.push(err18);
}
errors++;
}
if(!pattern1.test(data7)){
const err19 = {instancePath:instancePath+"/target/uuid",schemaPath:"#/properties/target/properties/uuid/pattern",keyword:"pattern",params:{pattern: "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"},message:"must match pattern \""+"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"+"\""};
if(vErrors === null){
vErrors = [err19];
}
else {
vErrors.push(err19);
}
errors++;
}
}
else {
const err20 = {instancePath:instancePath+"/target/uuid",schemaPath:"#/properties/target/properties/uuid/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err20];
}
else {
vErrors.push(err20);
}
errors++;
}
}
if(data6.name !== undefined){
let data8 = data6.name;
if(typeof data8 === "string"){
if(data8.length > 64){
const err21 = {instancePath:instancePath+"/target/name",schemaPath:"#/properties/target/properties/name/maxLength",keyword:"maxLength",params:{limit: 64},message:"must NOT have more than 64 characters"};
if(vErrors === null){
vErrors = [err21];
}
else {
vErrors.push(err21);
}
errors++;
}
if(data8.length < 1){
const err22 = {instancePath:instancePath+"/target/name",schemaPath:"#/properties/target/properties/name/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters"};
if(vErrors === null){
vErrors = [err22];
}
else {
vErrors.push(err22);
}
errors++;
}
if(!pattern2.test(data8)){
const err23 = {instancePath:instancePath+"/target/name",schemaPath:"#/properties/target/properties/name/pattern",keyword:"pattern",params:{pattern: "^[A-Za-z0-9][A-Za-z0-9_.+-]*$"},message:"must match pattern \""+"^[A-Za-z0-9][A-Za-z0-9_.+-]*$"+"\""};
if(vErrors === null){
vErrors = [err23];
}
else {
vErrors.push(err23);
}
errors++;
}
}
else {
const err24 = {instancePath:instancePath+"/target/name",schemaPath:"#/properties/target/properties/name/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err24];
}
else {
vErrors.push(err24);
}
errors++;
}
}
}
else {
const err25 = {instancePath:instancePath+"/target",schemaPath:"#/properties/target/type",keyword:"type",params:{type: "object"},message:"must be object"};
if(vErrors === null){
vErrors = [err25];
}
else {
vErrors.push(err25);
}
errors++;
}
}
if(data.guest !== undefined){
let data9 = data.guest;
if(data9 && typeof data9 == "object" && !Array.isArray(data9)){
if(data9.vcpus === undefined){
data9.vcpus = 1;
}
if(data9.bootOrder === undefined){
data9.bootOrder = "cd";
}
if(data9.passthrough === undefined){
data9.passthrough = "Disabled";
}
if(data9.memoryMiB === undefined){
const err26 = {instancePath:instancePath+"/guest",schemaPath:"#/properties/guest/required",keyword:"required",params:{missingProperty: "memoryMiB"},message:"must have required property '"+"memoryMiB"+"'"};
if(vErrors === null){
vErrors = [err26];
}
else {
vErrors.push(err26);
}
errors++;
}
for(const key3 in data9){
if(!((((key3 === "memoryMiB") || (key3 === "vcpus")) || (key3 === "bootOrder")) || (key3 === "passthrough"))){
const err27 = {instancePath:instancePath+"/guest",schemaPath:"#/properties/guest/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key3},message:"must NOT have additional properties"};
if(vErrors === null){
vErrors = [err27];
}
else {
vErrors.push(err27);
}
errors++;
}
}
if(data9.memoryMiB !== undefined){
let data10 = data9.memoryMiB;
if(!((typeof data10 == "number") && (!(data10 % 1) && !isNaN(data10)))){
const err28 = {instancePath:instancePath+"/guest/memoryMiB",schemaPath:"#/properties/guest/properties/memoryMiB/type",keyword:"type",params:{type: "integer"},message:"must be integer"};
if(vErrors === null){
vErrors = [err28];
}
else {
vErrors.push(err28);
}
errors++;
}
if(typeof data10 == "number"){
if(data10 > 16777216 || isNaN(data10)){
const err29 = {instancePath:instancePath+"/guest/memoryMiB",schemaPath:"#/properties/guest/properties/memoryMiB/maximum",keyword:"maximum",params:{comparison: "<=", limit: 16777216},message:"must be <= 16777216"};
if(vErrors === null){
vErrors = [err29];
}
else {
vErrors.push(err29);
}
errors++;
}
if(data10 < 16 || isNaN(data10)){
const err30 = {instancePath:instancePath+"/guest/memoryMiB",schemaPath:"#/properties/guest/properties/memoryMiB/minimum",keyword:"minimum",params:{comparison: ">=", limit: 16},message:"must be >= 16"};
if(vErrors === null){
vErrors = [err30];
}
else {
vErrors.push(err30);
}
errors++;
}
}
}
let data11 = data9.vcpus;
if(!((typeof data11 == "number") && (!(data11 % 1) && !isNaN(data11)))){
const err31 = {instancePath:instancePath+"/guest/vcpus",schemaPath:"#/properties/guest/properties/vcpus/type",keyword:"type",params:{type: "integer"},message:"must be integer"};
if(vErrors === null){
vErrors = [err31];
}
else {
vErrors.push(err31);
}
errors++;
}
if(typeof data11 == "number"){
if(data11 > 512 || isNaN(data11)){
const err32 = {instancePath:instancePath+"/guest/vcpus",schemaPath:"#/properties/guest/properties/vcpus/maximum",keyword:"maximum",params:{comparison: "<=", limit: 512},message:"must be <= 512"};
if(vErrors === null){
vErrors = [err32];
}
else {
vErrors.push(err32);
}
errors++;
}
if(data11 < 1 || isNaN(data11)){
const err33 = {instancePath:instancePath+"/guest/vcpus",schemaPath:"#/properties/guest/properties/vcpus/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},message:"must be >= 1"};
if(vErrors === null){
vErrors = [err33];
}
else {
vErrors.push(err33);
}
errors++;
}
}
let data12 = data9.bootOrder;
if(typeof data12 === "string"){
if(data12.length > 3){
const err34 = {instancePath:instancePath+"/guest/bootOrder",schemaPath:"#/properties/guest/properties/bootOrder/maxLength",keyword:"maxLength",params:{limit: 3},message:"must NOT have more than 3 characters"};
if(vErrors === null){
vErrors = [err34];
}
else {
vErrors.push(err34);
}
errors++;
}
if(!pattern3.test(data12)){
const err35 = {instancePath:instancePath+"/guest/bootOrder",schemaPath:"#/properties/guest/properties/bootOrder/pattern",keyword:"pattern",params:{pattern: "^[cdn]{1,3}$"},message:"must match pattern \""+"^[cdn]{1,3}$"+"\""};
if(vErrors === null){
vErrors = [err35];
}
else {
vErrors.push(err35);
}
errors++;
}
}
else {
const err36 = {instancePath:instancePath+"/guest/bootOrder",schemaPath:"#/properties/guest/properties/bootOrder/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err36];
}
else {
vErrors.push(err36);
}
errors++;
}
let data13 = data9.passthrough;
if(typeof data13 !== "string"){
const err37 = {instancePath:instancePath+"/guest/passthrough",schemaPath:"#/properties/guest/properties/passthrough/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err37];
}
else {
vErrors.push(err37);
}
errors++;
}
if(!((data13 === "Enabled") || (data13 === "Disabled"))){
const err38 = {instancePath:instancePath+"/guest/passthrough",schemaPath:"#/properties/guest/properties/passthrough/enum",keyword:"enum",params:{allowedValues: schema11.properties.guest.properties.passthrough.enum},message:"must be equal to one of the allowed values"};
if(vErrors === null){
vErrors = [err38];
}
else {
vErrors.push(err38);
}
errors++;
}
}
else {
const err39 = {instancePath:instancePath+"/guest",schemaPath:"#/properties/guest/type",keyword:"type",params:{type: "object"},message:"must be object"};
if(vErrors === null){
vErrors = [err39];
}
else {
vErrors.push(err39);
}
errors++;
}
}
let data14 = data.runState;
if(typeof data14 !== "string"){
const err40 = {instancePath:instancePath+"/runState",schemaPath:"#/properties/runState/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err40];
}
else {
vErrors.push(err40);
}
errors++;
}
if(!((data14 === "Running") || (data14 === "Paused"))){
const err41 = {instancePath:instancePath+"/runState",schemaPath:"#/properties/runState/enum",keyword:"enum",params:{allowedValues: schema11.properties.runState.enum},message:"must be equal to one of the allowed values"};
if(vErrors === null){
vErrors = [err41];
}
else {
vErrors.push(err41);
}
errors++;
}
if(data.kernel !== undefined){
let data15 = data.kernel;
if(typeof data15 === "string"){
if(data15.length > 1024){
const err42 = {instancePath:instancePath+"/kernel",schemaPath:"#/properties/kernel/maxLength",keyword:"maxLength",params:{limit: 1024},message:"must NOT have more than 1024 characters"};
if(vErrors === null){
vErrors = [err42];
}
else {
vErrors.push(err42);
}
errors++;
}
if(!pattern4.test(data15)){
const err43 = {instancePath:instancePath+"/kernel",schemaPath:"#/properties/kernel/pattern",keyword:"pattern",params:{pattern: "^/[A-Za-z0-9._/+-]+$"},message:"must match pattern \""+"^/[A-Za-z0-9._/+-]+$"+"\""};
if(vErrors === null){
vErrors = [err43];
}
else {
vErrors.push(err43);
}
errors++;
}
}
else {
const err44 = {instancePath:instancePath+"/kernel",schemaPath:"#/properties/kernel/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err44];
}
else {
vErrors.push(err44);
}
errors++;
}
}
if(data.memoryMiB !== undefined){
let data16 = data.memoryMiB;
if(!((typeof data16 == "number") && (!(data16 % 1) && !isNaN(data16)))){
const err45 = {instancePath:instancePath+"/memoryMiB",schemaPath:"#/properties/memoryMiB/type",keyword:"type",params:{type: "integer"},message:"must be integer"};
if(vErrors === null){
vErrors = [err45];
}
else {
vErrors.push(err45);
}
errors++;
}
if(typeof data16 == "number"){
if(data16 > 65536 || isNaN(data16)){
const err46 = {instancePath:instancePath+"/memoryMiB",schemaPath:"#/properties/memoryMiB/maximum",keyword:"maximum",params:{comparison: "<=", limit: 65536},message:"must be <= 65536"};
if(vErrors === null){
vErrors = [err46];
}
else {
vErrors.push(err46);
}
errors++;
}
if(data16 < 16 || isNaN(data16)){
const err47 = {instancePath:instancePath+"/memoryMiB",schemaPath:"#/properties/memoryMiB/minimum",keyword:"minimum",params:{comparison: ">=", limit: 16},message:"must be >= 16"};
if(vErrors === null){
vErrors = [err47];
}
else {
vErrors.push(err47);
}
errors++;
}
}
}
let data17 = data.bios;
if(typeof data17 !== "string"){
const err48 = {instancePath:instancePath+"/bios",schemaPath:"#/properties/bios/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err48];
}
else {
vErrors.push(err48);
}
errors++;
}
if(!(((data17 === "ROMBIOS") || (data17 === "SeaBIOS")) || (data17 === "OVMF"))){
const err49 = {instancePath:instancePath+"/bios",schemaPath:"#/properties/bios/enum",keyword:"enum",params:{allowedValues: schema11.properties.bios.enum},message:"must be equal to one of the allowed values"};
if(vErrors === null){
vErrors = [err49];
}
else {
vErrors.push(err49);
}
errors++;
}
if(data.deviceModelArgs !== undefined){
let data18 = data.deviceModelArgs;
if(Array.isArray(data18)){
if(data18.length > 128){
const err50 = {instancePath:instancePath+"/deviceModelArgs",schemaPath:"#/properties/deviceModelArgs/maxItems",keyword:"maxItems",params:{limit: 128},message:"must NOT have more than 128 items"};
if(vErrors === null){
vErrors = [err50];
}
else {
vErrors.push(err50);
}
errors++;
}
const len0 = data18.length;
for(let i0=0; i0<len0; i0++){
let data19 = data18[i0];
if(typeof data19 === "string"){
if(data19.length > 512){
const err51 = {instancePath:instancePath+"/deviceModelArgs/" + i0,schemaPath:"#/properties/deviceModelArgs/items/maxLength",keyword:"maxLength",params:{limit: 512},message:"must NOT have more than 512 characters"};
if(vErrors === null){
vErrors = [err51];
}
else {
vErrors.push(err51);
}
errors++;
}
if(data19.length < 1){
const err52 = {instancePath:instancePath+"/deviceModelArgs/" + i0,schemaPath:"#/properties/deviceModelArgs/items/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters"};
if(vErrors === null){
vErrors = [err52];
}
else {
vErrors.push(err52);
}
errors++;
}
if(!pattern5.test(data19)){
const err53 = {instancePath:instancePath+"/deviceModelArgs/" + i0,schemaPath:"#/properties/deviceModelArgs/items/pattern",keyword:"pattern",params:{pattern: "^[!#-&(-~]+$"},message:"must match pattern \""+"^[!#-&(-~]+$"+"\""};
if(vErrors === null){
vErrors = [err53];
}
else {
vErrors.push(err53);
}
errors++;
}
}
else {
const err54 = {instancePath:instancePath+"/deviceModelArgs/" + i0,schemaPath:"#/properties/deviceModelArgs/items/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err54];
}
else {
vErrors.push(err54);
}
errors++;
}
}
}
else {
const err55 = {instancePath:instancePath+"/deviceModelArgs",schemaPath:"#/properties/deviceModelArgs/type",keyword:"type",params:{type: "array"},message:"must be array"};
if(vErrors === null){
vErrors = [err55];
}
else {
vErrors.push(err55);
}
errors++;
}
}
if(data.disks !== undefined){
let data20 = data.disks;
if(Array.isArray(data20)){
if(data20.length > 26){
const err56 = {instancePath:instancePath+"/disks",schemaPath:"#/properties/disks/maxItems",keyword:"maxItems",params:{limit: 26},message:"must NOT have more than 26 items"};
if(vErrors === null){
vErrors = [err56];
}
else {
vErrors.push(err56);
}
errors++;
}
const len1 = data20.length;
for(let i1=0; i1<len1; i1++){
let data21 = data20[i1];
if(data21 && typeof data21 == "object" && !Array.isArray(data21)){
if(data21.backend === undefined){
data21.backend = "Block";
}
if(data21.access === undefined){
data21.access = "ReadWrite";
}
if(data21.device === undefined){
data21.device = "Disk";
}
if(data21.name === undefined){
const err57 = {instancePath:instancePath+"/disks/" + i1,schemaPath:"#/properties/disks/items/required",keyword:"required",params:{missingProperty: "name"},message:"must have required property '"+"name"+"'"};
if(vErrors === null){
vErrors = [err57];
}
else {
vErrors.push(err57);
}
errors++;
}
if(data21.source === undefined){
const err58 = {instancePath:instancePath+"/disks/" + i1,schemaPath:"#/properties/disks/items/required",keyword:"required",params:{missingProperty: "source"},message:"must have required property '"+"source"+"'"};
if(vErrors === null){
vErrors = [err58];
}
else {
vErrors.push(err58);
}
errors++;
}
for(const key4 in data21){
if(!(((((key4 === "name") || (key4 === "source")) || (key4 === "backend")) || (key4 === "access")) || (key4 === "device"))){
const err59 = {instancePath:instancePath+"/disks/" + i1,schemaPath:"#/properties/disks/items/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key4},message:"must NOT have additional properties"};
if(vErrors === null){
vErrors = [err59];
}
else {
vErrors.push(err59);
}
errors++;
}
}
if(data21.name !== undefined){
let data22 = data21.name;
if(typeof data22 === "string"){
if(data22.length > 63){
const err60 = {instancePath:instancePath+"/disks/" + i1+"/name",schemaPath:"#/properties/disks/items/properties/name/maxLength",keyword:"maxLength",params:{limit: 63},message:"must NOT have more than 63 characters"};
if(vErrors === null){
vErrors = [err60];
}
else {
vErrors.push(err60);
}
errors++;
}
if(data22.length < 1){
const err61 = {instancePath:instancePath+"/disks/" + i1+"/name",schemaPath:"#/properties/disks/items/properties/name/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters"};
if(vErrors === null){
vErrors = [err61];
}
else {
vErrors.push(err61);
}
errors++;
}
if(!pattern6.test(data22)){
const err62 = {instancePath:instancePath+"/disks/" + i1+"/name",schemaPath:"#/properties/disks/items/properties/name/pattern",keyword:"pattern",params:{pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},message:"must match pattern \""+"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"+"\""};
if(vErrors === null){
vErrors = [err62];
}
else {
vErrors.push(err62);
}
errors++;
}
}
else {
const err63 = {instancePath:instancePath+"/disks/" + i1+"/name",schemaPath:"#/properties/disks/items/properties/name/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err63];
}
else {
vErrors.push(err63);
}
errors++;
}
}
if(data21.source !== undefined){
let data23 = data21.source;
if(typeof data23 === "string"){
if(data23.length > 1024){
const err64 = {instancePath:instancePath+"/disks/" + i1+"/source",schemaPath:"#/properties/disks/items/properties/source/maxLength",keyword:"maxLength",params:{limit: 1024},message:"must NOT have more than 1024 characters"};
if(vErrors === null){
vErrors = [err64];
}
else {
vErrors.push(err64);
}
errors++;
}
if(!pattern7.test(data23)){
const err65 = {instancePath:instancePath+"/disks/" + i1+"/source",schemaPath:"#/properties/disks/items/properties/source/pattern",keyword:"pattern",params:{pattern: "^/[A-Za-z0-9._/:+@-]+$"},message:"must match pattern \""+"^/[A-Za-z0-9._/:+@-]+$"+"\""};
if(vErrors === null){
vErrors = [err65];
}
else {
vErrors.push(err65);
}
errors++;
}
}
else {
const err66 = {instancePath:instancePath+"/disks/" + i1+"/source",schemaPath:"#/properties/disks/items/properties/source/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err66];
}
else {
vErrors.push(err66);
}
errors++;
}
}
let data24 = data21.backend;
if(typeof data24 !== "string"){
const err67 = {instancePath:instancePath+"/disks/" + i1+"/backend",schemaPath:"#/properties/disks/items/properties/backend/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err67];
}
else {
vErrors.push(err67);
}
errors++;
}
if(!((data24 === "Block") || (data24 === "File"))){
const err68 = {instancePath:instancePath+"/disks/" + i1+"/backend",schemaPath:"#/properties/disks/items/properties/backend/enum",keyword:"enum",params:{allowedValues: schema11.properties.disks.items.properties.backend.enum},message:"must be equal to one of the allowed values"};
if(vErrors === null){
vErrors = [err68];
}
else {
vErrors.push(err68);
}
errors++;
}
let data25 = data21.access;
if(typeof data25 !== "string"){
const err69 = {instancePath:instancePath+"/disks/" + i1+"/access",schemaPath:"#/properties/disks/items/properties/access/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err69];
}
else {
vErrors.push(err69);
}
errors++;
}
if(!((data25 === "ReadWrite") || (data25 === "ReadOnly"))){
const err70 = {instancePath:instancePath+"/disks/" + i1+"/access",schemaPath:"#/properties/disks/items/properties/access/enum",keyword:"enum",params:{allowedValues: schema11.properties.disks.items.properties.access.enum},message:"must be equal to one of the allowed values"};
if(vErrors === null){
vErrors = [err70];
}
else {
vErrors.push(err70);
}
errors++;
}
let data26 = data21.device;
if(typeof data26 !== "string"){
const err71 = {instancePath:instancePath+"/disks/" + i1+"/device",schemaPath:"#/properties/disks/items/properties/device/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err71];
}
else {
vErrors.push(err71);
}
errors++;
}
if(!((data26 === "Disk") || (data26 === "CDROM"))){
const err72 = {instancePath:instancePath+"/disks/" + i1+"/device",schemaPath:"#/properties/disks/items/properties/device/enum",keyword:"enum",params:{allowedValues: schema11.properties.disks.items.properties.device.enum},message:"must be equal to one of the allowed values"};
if(vErrors === null){
vErrors = [err72];
}
else {
vErrors.push(err72);
}
errors++;
}
}
else {
const err73 = {instancePath:instancePath+"/disks/" + i1,schemaPath:"#/properties/disks/items/type",keyword:"type",params:{type: "object"},message:"must be object"};
if(vErrors === null){
vErrors = [err73];
}
else {
vErrors.push(err73);
}
errors++;
}
}
}
else {
const err74 = {instancePath:instancePath+"/disks",schemaPath:"#/properties/disks/type",keyword:"type",params:{type: "array"},message:"must be array"};
if(vErrors === null){
vErrors = [err74];
}
else {
vErrors.push(err74);
}
errors++;
}
}
if(data.nics !== undefined){
let data27 = data.nics;
if(Array.isArray(data27)){
if(data27.length > 16){
const err75 = {instancePath:instancePath+"/nics",schemaPath:"#/properties/nics/maxItems",keyword:"maxItems",params:{limit: 16},message:"must NOT have more than 16 items"};
if(vErrors === null){
vErrors = [err75];
}
else {
vErrors.push(err75);
}
errors++;
}
const len2 = data27.length;
for(let i2=0; i2<len2; i2++){
let data28 = data27[i2];
if(data28 && typeof data28 == "object" && !Array.isArray(data28)){
if(data28.model === undefined){
data28.model = "rtl8139";
}
if(data28.name === undefined){
const err76 = {instancePath:instancePath+"/nics/" + i2,schemaPath:"#/properties/nics/items/required",keyword:"required",params:{missingProperty: "name"},message:"must have required property '"+"name"+"'"};
if(vErrors === null){
vErrors = [err76];
}
else {
vErrors.push(err76);
}
errors++;
}
if(data28.mac === undefined){
const err77 = {instancePath:instancePath+"/nics/" + i2,schemaPath:"#/properties/nics/items/required",keyword:"required",params:{missingProperty: "mac"},message:"must have required property '"+"mac"+"'"};
if(vErrors === null){
vErrors = [err77];
}
else {
vErrors.push(err77);
}
errors++;
}
if(data28.bridge === undefined){
const err78 = {instancePath:instancePath+"/nics/" + i2,schemaPath:"#/properties/nics/items/required",keyword:"required",params:{missingProperty: "bridge"},message:"must have required property '"+"bridge"+"'"};
if(vErrors === null){
vErrors = [err78];
}
else {
vErrors.push(err78);
}
errors++;
}
for(const key5 in data28){
if(!((((key5 === "name") || (key5 === "mac")) || (key5 === "bridge")) || (key5 === "model"))){
const err79 = {instancePath:instancePath+"/nics/" + i2,schemaPath:"#/properties/nics/items/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key5},message:"must NOT have additional properties"};
if(vErrors === null){
vErrors = [err79];
}
else {
vErrors.push(err79);
}
errors++;
}
}
if(data28.name !== undefined){
let data29 = data28.name;
if(typeof data29 === "string"){
if(data29.length > 63){
const err80 = {instancePath:instancePath+"/nics/" + i2+"/name",schemaPath:"#/properties/nics/items/properties/name/maxLength",keyword:"maxLength",params:{limit: 63},message:"must NOT have more than 63 characters"};
if(vErrors === null){
vErrors = [err80];
}
else {
vErrors.push(err80);
}
errors++;
}
if(data29.length < 1){
const err81 = {instancePath:instancePath+"/nics/" + i2+"/name",schemaPath:"#/properties/nics/items/properties/name/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters"};
if(vErrors === null){
vErrors = [err81];
}
else {
vErrors.push(err81);
}
errors++;
}
if(!pattern6.test(data29)){
const err82 = {instancePath:instancePath+"/nics/" + i2+"/name",schemaPath:"#/properties/nics/items/properties/name/pattern",keyword:"pattern",params:{pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},message:"must match pattern \""+"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"+"\""};
if(vErrors === null){
vErrors = [err82];
}
else {
vErrors.push(err82);
}
errors++;
}
}
else {
const err83 = {instancePath:instancePath+"/nics/" + i2+"/name",schemaPath:"#/properties/nics/items/properties/name/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err83];
}
else {
vErrors.push(err83);
}
errors++;
}
}
if(data28.mac !== undefined){
let data30 = data28.mac;
if(typeof data30 === "string"){
if(data30.length > 17){
const err84 = {instancePath:instancePath+"/nics/" + i2+"/mac",schemaPath:"#/properties/nics/items/properties/mac/maxLength",keyword:"maxLength",params:{limit: 17},message:"must NOT have more than 17 characters"};
if(vErrors === null){
vErrors = [err84];
}
else {
vErrors.push(err84);
}
errors++;
}
if(!pattern9.test(data30)){
const err85 = {instancePath:instancePath+"/nics/" + i2+"/mac",schemaPath:"#/properties/nics/items/properties/mac/pattern",keyword:"pattern",params:{pattern: "^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$"},message:"must match pattern \""+"^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$"+"\""};
if(vErrors === null){
vErrors = [err85];
}
else {
vErrors.push(err85);
}
errors++;
}
}
else {
const err86 = {instancePath:instancePath+"/nics/" + i2+"/mac",schemaPath:"#/properties/nics/items/properties/mac/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err86];
}
else {
vErrors.push(err86);
}
errors++;
}
}
if(data28.bridge !== undefined){
let data31 = data28.bridge;
if(typeof data31 === "string"){
if(data31.length > 15){
const err87 = {instancePath:instancePath+"/nics/" + i2+"/bridge",schemaPath:"#/properties/nics/items/properties/bridge/maxLength",keyword:"maxLength",params:{limit: 15},message:"must NOT have more than 15 characters"};
if(vErrors === null){
vErrors = [err87];
}
else {
vErrors.push(err87);
}
errors++;
}
if(data31.length < 1){
const err88 = {instancePath:instancePath+"/nics/" + i2+"/bridge",schemaPath:"#/properties/nics/items/properties/bridge/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters"};
if(vErrors === null){
vErrors = [err88];
}
else {
vErrors.push(err88);
}
errors++;
}
if(!pattern10.test(data31)){
const err89 = {instancePath:instancePath+"/nics/" + i2+"/bridge",schemaPath:"#/properties/nics/items/properties/bridge/pattern",keyword:"pattern",params:{pattern: "^[A-Za-z0-9._-]+$"},message:"must match pattern \""+"^[A-Za-z0-9._-]+$"+"\""};
if(vErrors === null){
vErrors = [err89];
}
else {
vErrors.push(err89);
}
errors++;
}
}
else {
const err90 = {instancePath:instancePath+"/nics/" + i2+"/bridge",schemaPath:"#/properties/nics/items/properties/bridge/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err90];
}
else {
vErrors.push(err90);
}
errors++;
}
}
let data32 = data28.model;
if(typeof data32 === "string"){
if(data32.length > 32){
const err91 = {instancePath:instancePath+"/nics/" + i2+"/model",schemaPath:"#/properties/nics/items/properties/model/maxLength",keyword:"maxLength",params:{limit: 32},message:"must NOT have more than 32 characters"};
if(vErrors === null){
vErrors = [err91];
}
else {
vErrors.push(err91);
}
errors++;
}
if(!pattern11.test(data32)){
const err92 = {instancePath:instancePath+"/nics/" + i2+"/model",schemaPath:"#/properties/nics/items/properties/model/pattern",keyword:"pattern",params:{pattern: "^[a-z0-9_-]+$"},message:"must match pattern \""+"^[a-z0-9_-]+$"+"\""};
if(vErrors === null){
vErrors = [err92];
}
else {
vErrors.push(err92);
}
errors++;
}
}
else {
const err93 = {instancePath:instancePath+"/nics/" + i2+"/model",schemaPath:"#/properties/nics/items/properties/model/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err93];
}
else {
vErrors.push(err93);
}
errors++;
}
}
else {
const err94 = {instancePath:instancePath+"/nics/" + i2,schemaPath:"#/properties/nics/items/type",keyword:"type",params:{type: "object"},message:"must be object"};
if(vErrors === null){
vErrors = [err94];
}
else {
vErrors.push(err94);
}
errors++;
}
}
}
else {
const err95 = {instancePath:instancePath+"/nics",schemaPath:"#/properties/nics/type",keyword:"type",params:{type: "array"},message:"must be array"};
if(vErrors === null){
vErrors = [err95];
}
else {
vErrors.push(err95);
}
errors++;
}
}
if(data.graphics !== undefined){
let data33 = data.graphics;
if(data33 && typeof data33 == "object" && !Array.isArray(data33)){
if(data33.type === undefined){
data33.type = "VNC";
}
if(data33.listen === undefined){
data33.listen = "127.0.0.1";
}
for(const key6 in data33){
if(!(((key6 === "type") || (key6 === "listen")) || (key6 === "keymap"))){
const err96 = {instancePath:instancePath+"/graphics",schemaPath:"#/properties/graphics/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key6},message:"must NOT have additional properties"};
if(vErrors === null){
vErrors = [err96];
}
else {
vErrors.push(err96);
}
errors++;
}
}
let data34 = data33.type;
if(typeof data34 !== "string"){
const err97 = {instancePath:instancePath+"/graphics/type",schemaPath:"#/properties/graphics/properties/type/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err97];
}
else {
vErrors.push(err97);
}
errors++;
}
if(!((data34 === "VNC") || (data34 === "SDL"))){
const err98 = {instancePath:instancePath+"/graphics/type",schemaPath:"#/properties/graphics/properties/type/enum",keyword:"enum",params:{allowedValues: schema11.properties.graphics.properties.type.enum},message:"must be equal to one of the allowed values"};
if(vErrors === null){
vErrors = [err98];
}
else {
vErrors.push(err98);
}
errors++;
}
let data35 = data33.listen;
if(typeof data35 === "string"){
if(data35.length > 45){
const err99 = {instancePath:instancePath+"/graphics/listen",schemaPath:"#/properties/graphics/properties/listen/maxLength",keyword:"maxLength",params:{limit: 45},message:"must NOT have more than 45 characters"};
if(vErrors === null){
vErrors = [err99];
}
else {
vErrors.push(err99);
}
errors++;
}
if(data35.length < 2){
const err100 = {instancePath:instancePath+"/graphics/listen",schemaPath:"#/properties/graphics/properties/listen/minLength",keyword:"minLength",params:{limit: 2},message:"must NOT have fewer than 2 characters"};
if(vErrors === null){
vErrors = [err100];
}
else {
vErrors.push(err100);
}
errors++;
}
if(!pattern12.test(data35)){
const err101 = {instancePath:instancePath+"/graphics/listen",schemaPath:"#/properties/graphics/properties/listen/pattern",keyword:"pattern",params:{pattern: "^[0-9a-f:.]+$"},message:"must match pattern \""+"^[0-9a-f:.]+$"+"\""};
if(vErrors === null){
vErrors = [err101];
}
else {
vErrors.push(err101);
}
errors++;
}
}
else {
const err102 = {instancePath:instancePath+"/graphics/listen",schemaPath:"#/properties/graphics/properties/listen/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err102];
}
else {
vErrors.push(err102);
}
errors++;
}
if(data33.keymap !== undefined){
let data36 = data33.keymap;
if(typeof data36 === "string"){
if(data36.length > 16){
const err103 = {instancePath:instancePath+"/graphics/keymap",schemaPath:"#/properties/graphics/properties/keymap/maxLength",keyword:"maxLength",params:{limit: 16},message:"must NOT have more than 16 characters"};
if(vErrors === null){
vErrors = [err103];
}
else {
vErrors.push(err103);
}
errors++;
}
if(!pattern13.test(data36)){
const err104 = {instancePath:instancePath+"/graphics/keymap",schemaPath:"#/properties/graphics/properties/keymap/pattern",keyword:"pattern",params:{pattern: "^[a-z]{2}(-[a-z]{2})?$"},message:"must match pattern \""+"^[a-z]{2}(-[a-z]{2})?$"+"\""};
if(vErrors === null){
vErrors = [err104];
}
else {
vErrors.push(err104);
}
errors++;
}
}
else {
const err105 = {instancePath:instancePath+"/graphics/keymap",schemaPath:"#/properties/graphics/properties/keymap/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err105];
}
else {
vErrors.push(err105);
}
errors++;
}
}
}
else {
const err106 = {instancePath:instancePath+"/graphics",schemaPath:"#/properties/graphics/type",keyword:"type",params:{type: "object"},message:"must be object"};
if(vErrors === null){
vErrors = [err106];
}
else {
vErrors.push(err106);
}
errors++;
}
}
if(data.serials !== undefined){
let data37 = data.serials;
if(Array.isArray(data37)){
if(data37.length > 8){
const err107 = {instancePath:instancePath+"/serials",schemaPath:"#/properties/serials/maxItems",keyword:"maxItems",params:{limit: 8},message:"must NOT have more than 8 items"};
if(vErrors === null){
vErrors = [err107];
}
else {
vErrors.push(err107);
}
errors++;
}
const len3 = data37.length;
for(let i3=0; i3<len3; i3++){
let data38 = data37[i3];
if(data38 && typeof data38 == "object" && !Array.isArray(data38)){
if(data38.output === undefined){
data38.output = "pty";
}
if(data38.name === undefined){
const err108 = {instancePath:instancePath+"/serials/" + i3,schemaPath:"#/properties/serials/items/required",keyword:"required",params:{missingProperty: "name"},message:"must have required property '"+"name"+"'"};
if(vErrors === null){
vErrors = [err108];
}
else {
vErrors.push(err108);
}
errors++;
}
for(const key7 in data38){
if(!((key7 === "name") || (key7 === "output"))){
const err109 = {instancePath:instancePath+"/serials/" + i3,schemaPath:"#/properties/serials/items/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key7},message:"must NOT have additional properties"};
if(vErrors === null){
vErrors = [err109];
}
else {
vErrors.push(err109);
}
errors++;
}
}
if(data38.name !== undefined){
let data39 = data38.name;
if(typeof data39 === "string"){
if(data39.length > 63){
const err110 = {instancePath:instancePath+"/serials/" + i3+"/name",schemaPath:"#/properties/serials/items/properties/name/maxLength",keyword:"maxLength",params:{limit: 63},message:"must NOT have more than 63 characters"};
if(vErrors === null){
vErrors = [err110];
}
else {
vErrors.push(err110);
}
errors++;
}
if(data39.length < 1){
const err111 = {instancePath:instancePath+"/serials/" + i3+"/name",schemaPath:"#/properties/serials/items/properties/name/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters"};
if(vErrors === null){
vErrors = [err111];
}
else {
vErrors.push(err111);
}
errors++;
}
if(!pattern6.test(data39)){
const err112 = {instancePath:instancePath+"/serials/" + i3+"/name",schemaPath:"#/properties/serials/items/properties/name/pattern",keyword:"pattern",params:{pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},message:"must match pattern \""+"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"+"\""};
if(vErrors === null){
vErrors = [err112];
}
else {
vErrors.push(err112);
}
errors++;
}
}
else {
const err113 = {instancePath:instancePath+"/serials/" + i3+"/name",schemaPath:"#/properties/serials/items/properties/name/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err113];
}
else {
vErrors.push(err113);
}
errors++;
}
}
let data40 = data38.output;
if(typeof data40 === "string"){
if(data40.length > 1024){
const err114 = {instancePath:instancePath+"/serials/" + i3+"/output",schemaPath:"#/properties/serials/items/properties/output/maxLength",keyword:"maxLength",params:{limit: 1024},message:"must NOT have more than 1024 characters"};
if(vErrors === null){
vErrors = [err114];
}
else {
vErrors.push(err114);
}
errors++;
}
if(!pattern15.test(data40)){
const err115 = {instancePath:instancePath+"/serials/" + i3+"/output",schemaPath:"#/properties/serials/items/properties/output/pattern",keyword:"pattern",params:{pattern: "^(pty|null|(file|pipe):/[A-Za-z0-9._/+-]+)$"},message:"must match pattern \""+"^(pty|null|(file|pipe):/[A-Za-z0-9._/+-]+)$"+"\""};
if(vErrors === null){
vErrors = [err115];
}
else {
vErrors.push(err115);
}
errors++;
}
}
else {
const err116 = {instancePath:instancePath+"/serials/" + i3+"/output",schemaPath:"#/properties/serials/items/properties/output/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err116];
}
else {
vErrors.push(err116);
}
errors++;
}
}
else {
const err117 = {instancePath:instancePath+"/serials/" + i3,schemaPath:"#/properties/serials/items/type",keyword:"type",params:{type: "object"},message:"must be object"};
if(vErrors === null){
vErrors = [err117];
}
else {
vErrors.push(err117);
}
errors++;
}
}
}
else {
const err118 = {instancePath:instancePath+"/serials",schemaPath:"#/properties/serials/type",keyword:"type",params:{type: "array"},message:"must be array"};
if(vErrors === null){
vErrors = [err118];
}
else {
vErrors.push(err118);
}
errors++;
}
}
if(data.restoreFrom !== undefined){
let data41 = data.restoreFrom;
if(data41 && typeof data41 == "object" && !Array.isArray(data41)){
if(data41.path === undefined){
const err119 = {instancePath:instancePath+"/restoreFrom",schemaPath:"#/properties/restoreFrom/required",keyword:"required",params:{missingProperty: "path"},message:"must have required property '"+"path"+"'"};
if(vErrors === null){
vErrors = [err119];
}
else {
vErrors.push(err119);
}
errors++;
}
for(const key8 in data41){
if(!(key8 === "path")){
const err120 = {instancePath:instancePath+"/restoreFrom",schemaPath:"#/properties/restoreFrom/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key8},message:"must NOT have additional properties"};
if(vErrors === null){
vErrors = [err120];
}
else {
vErrors.push(err120);
}
errors++;
}
}
if(data41.path !== undefined){
let data42 = data41.path;
if(typeof data42 === "string"){
if(data42.length > 1024){
const err121 = {instancePath:instancePath+"/restoreFrom/path",schemaPath:"#/properties/restoreFrom/properties/path/maxLength",keyword:"maxLength",params:{limit: 1024},message:"must NOT have more than 1024 characters"};
if(vErrors === null){
vErrors = [err121];
}
else {
vErrors.push(err121);
}
errors++;
}
if(!pattern4.test(data42)){
const err122 = {instancePath:instancePath+"/restoreFrom/path",schemaPath:"#/properties/restoreFrom/properties/path/pattern",keyword:"pattern",params:{pattern: "^/[A-Za-z0-9._/+-]+$"},message:"must match pattern \""+"^/[A-Za-z0-9._/+-]+$"+"\""};
if(vErrors === null){
vErrors = [err122];
}
else {
vErrors.push(err122);
}
errors++;
}
}
else {
const err123 = {instancePath:instancePath+"/restoreFrom/path",schemaPath:"#/properties/restoreFrom/properties/path/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err123];
}
else {
vErrors.push(err123);
}
errors++;
}
}
}
else {
const err124 = {instancePath:instancePath+"/restoreFrom",schemaPath:"#/properties/restoreFrom/type",keyword:"type",params:{type: "object"},message:"must be object"};
if(vErrors === null){
vErrors = [err124];
}
else {
vErrors.push(err124);
}
errors++;
}
}
let data43 = data.deletionPolicy;
if(typeof data43 !== "string"){
const err125 = {instancePath:instancePath+"/deletionPolicy",schemaPath:"#/properties/deletionPolicy/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err125];
}
else {
vErrors.push(err125);
}
errors++;
}
if(!((data43 === "Destroy") || (data43 === "Orphan"))){
const err126 = {instancePath:instancePath+"/deletionPolicy",schemaPath:"#/properties/deletionPolicy/enum",keyword:"enum",params:{allowedValues: schema11.properties.deletionPolicy.enum},message:"must be equal to one of the allowed values"};
if(vErrors === null){
vErrors = [err126];
}
else {
vErrors.push(err126);
}
errors++;
}
}
else {
const err127 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"},message:"must be object"};
if(vErrors === null){
vErrors = [err127];
}
else {
vErrors.push(err127);
}
errors++;
}
validate10.errors = vErrors;
return errors === 0;
}

export const validatePciAttachmentSpec: Validator<PciAttachmentSpec> = validate11 as never;
const schema12 = {"$id":"PciAttachmentSpec","type":"object","required":["stubDomainRef","device"],"properties":{"stubDomainRef":{"type":"object","required":["name"],"properties":{"name":{"type":"string","minLength":1,"maxLength":253,"pattern":"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"}},"additionalProperties":false},"device":{"type":"object","properties":{"address":{"type":"string","maxLength":12,"pattern":"^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\\.[0-7]$"},"selector":{"type":"object","minProperties":1,"properties":{"vendorID":{"type":"string","maxLength":4,"pattern":"^[0-9a-f]{4}$"},"deviceID":{"type":"string","maxLength":4,"pattern":"^[0-9a-f]{4}$"},"classID":{"type":"string","maxLength":6,"pattern":"^([0-9a-f]{2}){1,3}$"},"subsystemVendorID":{"type":"string","maxLength":4,"pattern":"^[0-9a-f]{4}$"},"subsystemID":{"type":"string","maxLength":4,"pattern":"^[0-9a-f]{4}$"},"numaNode":{"type":"integer","format":"int32","minimum":0,"maximum":1023}},"additionalProperties":false}},"additionalProperties":false},"virtualSlot":{"type":"integer","format":"int32","minimum":1,"maximum":31},"virtualFunction":{"type":"integer","format":"int32","minimum":0,"maximum":7,"default":0},"options":{"type":"object","default":{},"properties":{"msiTranslate":{"type":"string","enum":["Enabled","Disabled"],"default":"Disabled"},"powerManagement":{"type":"string","enum":["Enabled","Disabled"],"default":"Disabled"},"permissive":{"type":"string","enum":["Enabled","Disabled"],"default":"Disabled"},"rdmPolicy":{"type":"string","enum":["Strict","Relaxed"],"default":"Strict"}},"additionalProperties":false},"driverPolicy":{"type":"string","enum":["RequireAssignable","Seize"],"default":"RequireAssignable"},"removalPolicy":{"type":"string","enum":["Graceful","Force"],"default":"Graceful"},"removalTimeoutSeconds":{"type":"integer","format":"int32","minimum":1,"maximum":86400,"default":300}},"additionalProperties":false};
const pattern18 = new RegExp("^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\\.[0-7]$", "u");
const pattern19 = new RegExp("^[0-9a-f]{4}$", "u");
const pattern21 = new RegExp("^([0-9a-f]{2}){1,3}$", "u");

function validate11(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
/*# sourceURL="PciAttachmentSpec" */;
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.virtualFunction === undefined){
data.virtualFunction = 0;
}
if(data.options === undefined){
data.options = {};
}
if(data.driverPolicy === undefined){
data.driverPolicy = "RequireAssignable";
}
if(data.removalPolicy === undefined){
data.removalPolicy = "Graceful";
}
if(data.removalTimeoutSeconds === undefined){
data.removalTimeoutSeconds = 300;
}
if(data.stubDomainRef === undefined){
const err0 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "stubDomainRef"},message:"must have required property '"+"stubDomainRef"+"'"};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
if(data.device === undefined){
const err1 = {instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: "device"},message:"must have required property '"+"device"+"'"};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
}
for(const key0 in data){
if(!((((((((key0 === "stubDomainRef") || (key0 === "device")) || (key0 === "virtualSlot")) || (key0 === "virtualFunction")) || (key0 === "options")) || (key0 === "driverPolicy")) || (key0 === "removalPolicy")) || (key0 === "removalTimeoutSeconds"))){
const err2 = {instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0},message:"must NOT have additional properties"};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
}
}
if(data.stubDomainRef !== undefined){
let data0 = data.stubDomainRef;
if(data0 && typeof data0 == "object" && !Array.isArray(data0)){
if(data0.name === undefined){
const err3 = {instancePath:instancePath+"/stubDomainRef",schemaPath:"#/properties/stubDomainRef/required",keyword:"required",params:{missingProperty: "name"},message:"must have required property '"+"name"+"'"};
if(vErrors === null){
vErrors = [err3];
}
else {
vErrors.push(err3);
}
errors++;
}
for(const key1 in data0){
if(!(key1 === "name")){
const err4 = {instancePath:instancePath+"/stubDomainRef",schemaPath:"#/properties/stubDomainRef/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key1},message:"must NOT have additional properties"};
if(vErrors === null){
vErrors = [err4];
}
else {
vErrors.push(err4);
}
errors++;
}
}
if(data0.name !== undefined){
let data1 = data0.name;
if(typeof data1 === "string"){
if(data1.length > 253){
const err5 = {instancePath:instancePath+"/stubDomainRef/name",schemaPath:"#/properties/stubDomainRef/properties/name/maxLength",keyword:"maxLength",params:{limit: 253},message:"must NOT have more than 253 characters"};
if(vErrors === null){
vErrors = [err5];
}
else {
vErrors.push(err5);
}
errors++;
}
if(data1.length < 1){
const err6 = {instancePath:instancePath+"/stubDomainRef/name",schemaPath:"#/properties/stubDomainRef/properties/name/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters"};
if(vErrors === null){
vErrors = [err6];
}
else {
vErrors.push(err6);
}
errors++;
}
if(!pattern0.test(data1)){
const err7 = {instancePath:instancePath+"/stubDomainRef/name",schemaPath:"#/properties/stubDomainRef/properties/name/pattern",keyword:"pattern",params:{pattern: "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"},message:"must match pattern \""+"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"+"\""};
if(vErrors === null){
vErrors = [err7];
}
else {
vErrors.push(err7);
}
errors++;
}
}
else {
const err8 = {instancePath:instancePath+"/stubDomainRef/name",schemaPath:"#/properties/stubDomainRef/properties/name/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err8];
}
else {
vErrors.push(err8);
}
errors++;
}
}
}
else {
const err9 = {instancePath:instancePath+"/stubDomainRef",schemaPath:"#/properties/stubDomainRef/type",keyword:"type",params:{type: "object"},message:"must be object"};
if(vErrors === null){
vErrors = [err9];
}
else {
vErrors.push(err9);
}
errors++;
}
}
if(data.device !== undefined){
let data2 = data.device;
if(data2 && typeof data2 == "object" && !Array.isArray(data2)){
for(const key2 in data2){
if(!((key2 === "address") || (key2 === "selector"))){
const err10 = {instancePath:instancePath+"/device",schemaPath:"#/properties/device/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key2},message:"must NOT have additional properties"};
if(vErrors === null){
vErrors = [err10];
}
else {
vErrors.push(err10);
}
errors++;
}
}
if(data2.address !== undefined){
let data3 = data2.address;
if(typeof data3 === "string"){
if(data3.length > 12){
const err11 = {instancePath:instancePath+"/device/address",schemaPath:"#/properties/device/properties/address/maxLength",keyword:"maxLength",params:{limit: 12},message:"must NOT have more than 12 characters"};
if(vErrors === null){
vErrors = [err11];
}
else {
vErrors.push(err11);
}
errors++;
}
if(!pattern18.test(data3)){
const err12 = {instancePath:instancePath+"/device/address",schemaPath:"#/properties/device/properties/address/pattern",keyword:"pattern",params:{pattern: "^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\\.[0-7]$"},message:"must match pattern \""+"^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\\.[0-7]$"+"\""};
if(vErrors === null){
vErrors = [err12];
}
else {
vErrors.push(err12);
}
errors++;
}
}
else {
const err13 = {instancePath:instancePath+"/device/address",schemaPath:"#/properties/device/properties/address/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err13];
}
else {
vErrors.push(err13);
}
errors++;
}
}
if(data2.selector !== undefined){
let data4 = data2.selector;
if(data4 && typeof data4 == "object" && !Array.isArray(data4)){
if(Object.keys(data4).length < 1){
const err14 = {instancePath:instancePath+"/device/selector",schemaPath:"#/properties/device/properties/selector/minProperties",keyword:"minProperties",params:{limit: 1},message:"must NOT have fewer than 1 properties"};
if(vErrors === null){
vErrors = [err14];
}
else {
vErrors.push(err14);
}
errors++;
}
for(const key3 in data4){
if(!((((((key3 === "vendorID") || (key3 === "deviceID")) || (key3 === "classID")) || (key3 === "subsystemVendorID")) || (key3 === "subsystemID")) || (key3 === "numaNode"))){
const err15 = {instancePath:instancePath+"/device/selector",schemaPath:"#/properties/device/properties/selector/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key3},message:"must NOT have additional properties"};
if(vErrors === null){
vErrors = [err15];
}
else {
vErrors.push(err15);
}
errors++;
}
}
if(data4.vendorID !== undefined){
let data5 = data4.vendorID;
if(typeof data5 === "string"){
if(data5.length > 4){
const err16 = {instancePath:instancePath+"/device/selector/vendorID",schemaPath:"#/properties/device/properties/selector/properties/vendorID/maxLength",keyword:"maxLength",params:{limit: 4},message:"must NOT have more than 4 characters"};
if(vErrors === null){
vErrors = [err16];
}
else {
vErrors.push(err16);
}
errors++;
}
if(!pattern19.test(data5)){
const err17 = {instancePath:instancePath+"/device/selector/vendorID",schemaPath:"#/properties/device/properties/selector/properties/vendorID/pattern",keyword:"pattern",params:{pattern: "^[0-9a-f]{4}$"},message:"must match pattern \""+"^[0-9a-f]{4}$"+"\""};
if(vErrors === null){
vErrors = [err17];
}
else {
vErrors.push(err17);
}
errors++;
}
}
else {
const err18 = {instancePath:instancePath+"/device/selector/vendorID",schemaPath:"#/properties/device/properties/selector/properties/vendorID/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err18];
}
else {
vErrors.push(err18);
}
errors++;
}
}
if(data4.deviceID !== undefined){
let data6 = data4.deviceID;
if(typeof data6 === "string"){
if(data6.length > 4){
const err19 = {instancePath:instancePath+"/device/selector/deviceID",schemaPath:"#/properties/device/properties/selector/properties/deviceID/maxLength",keyword:"maxLength",params:{limit: 4},message:"must NOT have more than 4 characters"};
if(vErrors === null){
vErrors = [err19];
}
else {
vErrors.push(err19);
}
errors++;
}
if(!pattern19.test(data6)){
const err20 = {instancePath:instancePath+"/device/selector/deviceID",schemaPath:"#/properties/device/properties/selector/properties/deviceID/pattern",keyword:"pattern",params:{pattern: "^[0-9a-f]{4}$"},message:"must match pattern \""+"^[0-9a-f]{4}$"+"\""};
if(vErrors === null){
vErrors = [err20];
}
else {
vErrors.push(err20);
}
errors++;
}
}
else {
const err21 = {instancePath:instancePath+"/device/selector/deviceID",schemaPath:"#/properties/device/properties/selector/properties/deviceID/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err21];
}
else {
vErrors.push(err21);
}
errors++;
}
}
if(data4.classID !== undefined){
let data7 = data4.classID;
if(typeof data7 === "string"){
if(data7.length > 6){
const err22 = {instancePath:instancePath+"/device/selector/classID",schemaPath:"#/properties/device/properties/selector/properties/classID/maxLength",keyword:"maxLength",params:{limit: 6},message:"must NOT have more than 6 characters"};
if(vErrors === null){
vErrors = [err22];
}
else {
vErrors.push(err22);
}
errors++;
}
if(!pattern21.test(data7)){
const err23 = {instancePath:instancePath+"/device/selector/classID",schemaPath:"#/properties/device/properties/selector/properties/classID/pattern",keyword:"pattern",params:{pattern: "^([0-9a-f]{2}){1,3}$"},message:"must match pattern \""+"^([0-9a-f]{2}){1,3}$"+"\""};
if(vErrors === null){
vErrors = [err23];
}
else {
vErrors.push(err23);
}
errors++;
}
}
else {
const err24 = {instancePath:instancePath+"/device/selector/classID",schemaPath:"#/properties/device/properties/selector/properties/classID/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err24];
}
else {
vErrors.push(err24);
}
errors++;
}
}
if(data4.subsystemVendorID !== undefined){
let data8 = data4.subsystemVendorID;
if(typeof data8 === "string"){
if(data8.length > 4){
const err25 = {instancePath:instancePath+"/device/selector/subsystemVendorID",schemaPath:"#/properties/device/properties/selector/properties/subsystemVendorID/maxLength",keyword:"maxLength",params:{limit: 4},message:"must NOT have more than 4 characters"};
if(vErrors === null){
vErrors = [err25];
}
else {
vErrors.push(err25);
}
errors++;
}
if(!pattern19.test(data8)){
const err26 = {instancePath:instancePath+"/device/selector/subsystemVendorID",schemaPath:"#/properties/device/properties/selector/properties/subsystemVendorID/pattern",keyword:"pattern",params:{pattern: "^[0-9a-f]{4}$"},message:"must match pattern \""+"^[0-9a-f]{4}$"+"\""};
if(vErrors === null){
vErrors = [err26];
}
else {
vErrors.push(err26);
}
errors++;
}
}
else {
const err27 = {instancePath:instancePath+"/device/selector/subsystemVendorID",schemaPath:"#/properties/device/properties/selector/properties/subsystemVendorID/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err27];
}
else {
vErrors.push(err27);
}
errors++;
}
}
if(data4.subsystemID !== undefined){
let data9 = data4.subsystemID;
if(typeof data9 === "string"){
if(data9.length > 4){
const err28 = {instancePath:instancePath+"/device/selector/subsystemID",schemaPath:"#/properties/device/properties/selector/properties/subsystemID/maxLength",keyword:"maxLength",params:{limit: 4},message:"must NOT have more than 4 characters"};
if(vErrors === null){
vErrors = [err28];
}
else {
vErrors.push(err28);
}
errors++;
}
if(!pattern19.test(data9)){
const err29 = {instancePath:instancePath+"/device/selector/subsystemID",schemaPath:"#/properties/device/properties/selector/properties/subsystemID/pattern",keyword:"pattern",params:{pattern: "^[0-9a-f]{4}$"},message:"must match pattern \""+"^[0-9a-f]{4}$"+"\""};
if(vErrors === null){
vErrors = [err29];
}
else {
vErrors.push(err29);
}
errors++;
}
}
else {
const err30 = {instancePath:instancePath+"/device/selector/subsystemID",schemaPath:"#/properties/device/properties/selector/properties/subsystemID/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err30];
}
else {
vErrors.push(err30);
}
errors++;
}
}
if(data4.numaNode !== undefined){
let data10 = data4.numaNode;
if(!((typeof data10 == "number") && (!(data10 % 1) && !isNaN(data10)))){
const err31 = {instancePath:instancePath+"/device/selector/numaNode",schemaPath:"#/properties/device/properties/selector/properties/numaNode/type",keyword:"type",params:{type: "integer"},message:"must be integer"};
if(vErrors === null){
vErrors = [err31];
}
else {
vErrors.push(err31);
}
errors++;
}
if(typeof data10 == "number"){
if(data10 > 1023 || isNaN(data10)){
const err32 = {instancePath:instancePath+"/device/selector/numaNode",schemaPath:"#/properties/device/properties/selector/properties/numaNode/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1023},message:"must be <= 1023"};
if(vErrors === null){
vErrors = [err32];
}
else {
vErrors.push(err32);
}
errors++;
}
if(data10 < 0 || isNaN(data10)){
const err33 = {instancePath:instancePath+"/device/selector/numaNode",schemaPath:"#/properties/device/properties/selector/properties/numaNode/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0"};
if(vErrors === null){
vErrors = [err33];
}
else {
vErrors.push(err33);
}
errors++;
}
}
}
}
else {
const err34 = {instancePath:instancePath+"/device/selector",schemaPath:"#/properties/device/properties/selector/type",keyword:"type",params:{type: "object"},message:"must be object"};
if(vErrors === null){
vErrors = [err34];
}
else {
vErrors.push(err34);
}
errors++;
}
}
}
else {
const err35 = {instancePath:instancePath+"/device",schemaPath:"#/properties/device/type",keyword:"type",params:{type: "object"},message:"must be object"};
if(vErrors === null){
vErrors = [err35];
}
else {
vErrors.push(err35);
}
errors++;
}
}
if(data.virtualSlot !== undefined){
let data11 = data.virtualSlot;
if(!((typeof data11 == "number") && (!(data11 % 1) && !isNaN(data11)))){
const err36 = {instancePath:instancePath+"/virtualSlot",schemaPath:"#/properties/virtualSlot/type",keyword:"type",params:{type: "integer"},message:"must be integer"};
if(vErrors === null){
vErrors = [err36];
}
else {
vErrors.push(err36);
}
errors++;
}
if(typeof data11 == "number"){
if(data11 > 31 || isNaN(data11)){
const err37 = {instancePath:instancePath+"/virtualSlot",schemaPath:"#/properties/virtualSlot/maximum",keyword:"maximum",params:{comparison: "<=", limit: 31},message:"must be <= 31"};
if(vErrors === null){
vErrors = [err37];
}
else {
vErrors.push(err37);
}
errors++;
}
if(data11 < 1 || isNaN(data11)){
const err38 = {instancePath:instancePath+"/virtualSlot",schemaPath:"#/properties/virtualSlot/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},message:"must be >= 1"};
if(vErrors === null){
vErrors = [err38];
}
else {
vErrors.push(err38);
}
errors++;
}
}
}
let data12 = data.virtualFunction;
if(!((typeof data12 == "number") && (!(data12 % 1) && !isNaN(data12)))){
const err39 = {instancePath:instancePath+"/virtualFunction",schemaPath:"#/properties/virtualFunction/type",keyword:"type",params:{type: "integer"},message:"must be integer"};
if(vErrors === null){
vErrors = [err39];
}
else {
vErrors.push(err39);
}
errors++;
}
if(typeof data12 == "number"){
if(data12 > 7 || isNaN(data12)){
const err40 = {instancePath:instancePath+"/virtualFunction",schemaPath:"#/properties/virtualFunction/maximum",keyword:"maximum",params:{comparison: "<=", limit: 7},message:"must be <= 7"};
if(vErrors === null){
vErrors = [err40];
}
else {
vErrors.push(err40);
}
errors++;
}
if(data12 < 0 || isNaN(data12)){
const err41 = {instancePath:instancePath+"/virtualFunction",schemaPath:"#/properties/virtualFunction/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0"};
if(vErrors === null){
vErrors = [err41];
}
else {
vErrors.push(err41);
}
errors++;
}
}
let data13 = data.options;
if(data13 && typeof data13 == "object" && !Array.isArray(data13)){
if(data13.msiTranslate === undefined){
data13.msiTranslate = "Disabled";
}
if(data13.powerManagement === undefined){
data13.powerManagement = "Disabled";
}
if(data13.permissive === undefined){
data13.permissive = "Disabled";
}
if(data13.rdmPolicy === undefined){
data13.rdmPolicy = "Strict";
}
for(const key4 in data13){
if(!((((key4 === "msiTranslate") || (key4 === "powerManagement")) || (key4 === "permissive")) || (key4 === "rdmPolicy"))){
const err42 = {instancePath:instancePath+"/options",schemaPath:"#/properties/options/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key4},message:"must NOT have additional properties"};
if(vErrors === null){
vErrors = [err42];
}
else {
vErrors.push(err42);
}
errors++;
}
}
let data14 = data13.msiTranslate;
if(typeof data14 !== "string"){
const err43 = {instancePath:instancePath+"/options/msiTranslate",schemaPath:"#/properties/options/properties/msiTranslate/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err43];
}
else {
vErrors.push(err43);
}
errors++;
}
if(!((data14 === "Enabled") || (data14 === "Disabled"))){
const err44 = {instancePath:instancePath+"/options/msiTranslate",schemaPath:"#/properties/options/properties/msiTranslate/enum",keyword:"enum",params:{allowedValues: schema12.properties.options.properties.msiTranslate.enum},message:"must be equal to one of the allowed values"};
if(vErrors === null){
vErrors = [err44];
}
else {
vErrors.push(err44);
}
errors++;
}
let data15 = data13.powerManagement;
if(typeof data15 !== "string"){
const err45 = {instancePath:instancePath+"/options/powerManagement",schemaPath:"#/properties/options/properties/powerManagement/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err45];
}
else {
vErrors.push(err45);
}
errors++;
}
if(!((data15 === "Enabled") || (data15 === "Disabled"))){
const err46 = {instancePath:instancePath+"/options/powerManagement",schemaPath:"#/properties/options/properties/powerManagement/enum",keyword:"enum",params:{allowedValues: schema12.properties.options.properties.powerManagement.enum},message:"must be equal to one of the allowed values"};
if(vErrors === null){
vErrors = [err46];
}
else {
vErrors.push(err46);
}
errors++;
}
let data16 = data13.permissive;
if(typeof data16 !== "string"){
const err47 = {instancePath:instancePath+"/options/permissive",schemaPath:"#/properties/options/properties/permissive/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err47];
}
else {
vErrors.push(err47);
}
errors++;
}
if(!((data16 === "Enabled") || (data16 === "Disabled"))){
const err48 = {instancePath:instancePath+"/options/permissive",schemaPath:"#/properties/options/properties/permissive/enum",keyword:"enum",params:{allowedValues: schema12.properties.options.properties.permissive.enum},message:"must be equal to one of the allowed values"};
if(vErrors === null){
vErrors = [err48];
}
else {
vErrors.push(err48);
}
errors++;
}
let data17 = data13.rdmPolicy;
if(typeof data17 !== "string"){
const err49 = {instancePath:instancePath+"/options/rdmPolicy",schemaPath:"#/properties/options/properties/rdmPolicy/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err49];
}
else {
vErrors.push(err49);
}
errors++;
}
if(!((data17 === "Strict") || (data17 === "Relaxed"))){
const err50 = {instancePath:instancePath+"/options/rdmPolicy",schemaPath:"#/properties/options/properties/rdmPolicy/enum",keyword:"enum",params:{allowedValues: schema12.properties.options.properties.rdmPolicy.enum},message:"must be equal to one of the allowed values"};
if(vErrors === null){
vErrors = [err50];
}
else {
vErrors.push(err50);
}
errors++;
}
}
else {
const err51 = {instancePath:instancePath+"/options",schemaPath:"#/properties/options/type",keyword:"type",params:{type: "object"},message:"must be object"};
if(vErrors === null){
vErrors = [err51];
}
else {
vErrors.push(err51);
}
errors++;
}
let data18 = data.driverPolicy;
if(typeof data18 !== "string"){
const err52 = {instancePath:instancePath+"/driverPolicy",schemaPath:"#/properties/driverPolicy/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err52];
}
else {
vErrors.push(err52);
}
errors++;
}
if(!((data18 === "RequireAssignable") || (data18 === "Seize"))){
const err53 = {instancePath:instancePath+"/driverPolicy",schemaPath:"#/properties/driverPolicy/enum",keyword:"enum",params:{allowedValues: schema12.properties.driverPolicy.enum},message:"must be equal to one of the allowed values"};
if(vErrors === null){
vErrors = [err53];
}
else {
vErrors.push(err53);
}
errors++;
}
let data19 = data.removalPolicy;
if(typeof data19 !== "string"){
const err54 = {instancePath:instancePath+"/removalPolicy",schemaPath:"#/properties/removalPolicy/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err54];
}
else {
vErrors.push(err54);
}
errors++;
}
if(!((data19 === "Graceful") || (data19 === "Force"))){
const err55 = {instancePath:instancePath+"/removalPolicy",schemaPath:"#/properties/removalPolicy/enum",keyword:"enum",params:{allowedValues: schema12.properties.removalPolicy.enum},message:"must be equal to one of the allowed values"};
if(vErrors === null){
vErrors = [err55];
}
else {
vErrors.push(err55);
}
errors++;
}
let data20 = data.removalTimeoutSeconds;
if(!((typeof data20 == "number") && (!(data20 % 1) && !isNaN(data20)))){
const err56 = {instancePath:instancePath+"/removalTimeoutSeconds",schemaPath:"#/properties/removalTimeoutSeconds/type",keyword:"type",params:{type: "integer"},message:"must be integer"};
if(vErrors === null){
vErrors = [err56];
}
else {
vErrors.push(err56);
}
errors++;
}
if(typeof data20 == "number"){
if(data20 > 86400 || isNaN(data20)){
const err57 = {instancePath:instancePath+"/removalTimeoutSeconds",schemaPath:"#/properties/removalTimeoutSeconds/maximum",keyword:"maximum",params:{comparison: "<=", limit: 86400},message:"must be <= 86400"};
if(vErrors === null){
vErrors = [err57];
}
else {
vErrors.push(err57);
}
errors++;
}
if(data20 < 1 || isNaN(data20)){
const err58 = {instancePath:instancePath+"/removalTimeoutSeconds",schemaPath:"#/properties/removalTimeoutSeconds/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},message:"must be >= 1"};
if(vErrors === null){
vErrors = [err58];
}
else {
vErrors.push(err58);
}
errors++;
}
}
}
else {
const err59 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"},message:"must be object"};
if(vErrors === null){
vErrors = [err59];
}
else {
vErrors.push(err59);
}
errors++;
}
validate11.errors = vErrors;
return errors === 0;
}

export const validateXenHostSpec: Validator<XenHostSpec> = validate12 as never;
const schema13 = {"$id":"XenHostSpec","type":"object","default":{},"properties":{"unschedulable":{"type":"boolean"},"drain":{"type":"object","required":["reason"],"properties":{"reason":{"type":"string","minLength":1,"maxLength":128,"pattern":"^[^\\x00-\\x1f\\x7f]+$"}},"additionalProperties":false},"pci":{"type":"object","properties":{"allow":{"type":"array","maxItems":1024,"items":{"type":"string","maxLength":12,"pattern":"^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\\.[0-7]$"}},"deny":{"type":"array","maxItems":1024,"items":{"type":"string","maxLength":12,"pattern":"^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\\.[0-7]$"}}},"additionalProperties":false}},"additionalProperties":false};
const pattern24 = new RegExp("^[^\\x00-\\x1f\\x7f]+$", "u");

function validate12(data, {instancePath="", parentData, parentDataProperty, rootData=data}={}){
/*# sourceURL="XenHostSpec" */;
let vErrors = null;
let errors = 0;
if(data && typeof data == "object" && !Array.isArray(data)){
for(const key0 in data){
if(!(((key0 === "unschedulable") || (key0 === "drain")) || (key0 === "pci"))){
const err0 = {instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0},message:"must NOT have additional properties"};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
}
if(data.unschedulable !== undefined){
if(typeof data.unschedulable !== "boolean"){
const err1 = {instancePath:instancePath+"/unschedulable",schemaPath:"#/properties/unschedulable/type",keyword:"type",params:{type: "boolean"},message:"must be boolean"};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
}
}
if(data.drain !== undefined){
let data1 = data.drain;
if(data1 && typeof data1 == "object" && !Array.isArray(data1)){
if(data1.reason === undefined){
const err2 = {instancePath:instancePath+"/drain",schemaPath:"#/properties/drain/required",keyword:"required",params:{missingProperty: "reason"},message:"must have required property '"+"reason"+"'"};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
}
for(const key1 in data1){
if(!(key1 === "reason")){
const err3 = {instancePath:instancePath+"/drain",schemaPath:"#/properties/drain/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key1},message:"must NOT have additional properties"};
if(vErrors === null){
vErrors = [err3];
}
else {
vErrors.push(err3);
}
errors++;
}
}
if(data1.reason !== undefined){
let data2 = data1.reason;
if(typeof data2 === "string"){
if(data2.length > 128){
const err4 = {instancePath:instancePath+"/drain/reason",schemaPath:"#/properties/drain/properties/reason/maxLength",keyword:"maxLength",params:{limit: 128},message:"must NOT have more than 128 characters"};
if(vErrors === null){
vErrors = [err4];
}
else {
vErrors.push(err4);
}
errors++;
}
if(data2.length < 1){
const err5 = {instancePath:instancePath+"/drain/reason",schemaPath:"#/properties/drain/properties/reason/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters"};
if(vErrors === null){
vErrors = [err5];
}
else {
vErrors.push(err5);
}
errors++;
}
if(!pattern24.test(data2)){
const err6 = {instancePath:instancePath+"/drain/reason",schemaPath:"#/properties/drain/properties/reason/pattern",keyword:"pattern",params:{pattern: "^[^\\x00-\\x1f\\x7f]+$"},message:"must match pattern \""+"^[^\\x00-\\x1f\\x7f]+$"+"\""};
if(vErrors === null){
vErrors = [err6];
}
else {
vErrors.push(err6);
}
errors++;
}
}
else {
const err7 = {instancePath:instancePath+"/drain/reason",schemaPath:"#/properties/drain/properties/reason/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err7];
}
else {
vErrors.push(err7);
}
errors++;
}
}
}
else {
const err8 = {instancePath:instancePath+"/drain",schemaPath:"#/properties/drain/type",keyword:"type",params:{type: "object"},message:"must be object"};
if(vErrors === null){
vErrors = [err8];
}
else {
vErrors.push(err8);
}
errors++;
}
}
if(data.pci !== undefined){
let data3 = data.pci;
if(data3 && typeof data3 == "object" && !Array.isArray(data3)){
for(const key2 in data3){
if(!((key2 === "allow") || (key2 === "deny"))){
const err9 = {instancePath:instancePath+"/pci",schemaPath:"#/properties/pci/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key2},message:"must NOT have additional properties"};
if(vErrors === null){
vErrors = [err9];
}
else {
vErrors.push(err9);
}
errors++;
}
}
if(data3.allow !== undefined){
let data4 = data3.allow;
if(Array.isArray(data4)){
if(data4.length > 1024){
const err10 = {instancePath:instancePath+"/pci/allow",schemaPath:"#/properties/pci/properties/allow/maxItems",keyword:"maxItems",params:{limit: 1024},message:"must NOT have more than 1024 items"};
if(vErrors === null){
vErrors = [err10];
}
else {
vErrors.push(err10);
}
errors++;
}
const len0 = data4.length;
for(let i0=0; i0<len0; i0++){
let data5 = data4[i0];
if(typeof data5 === "string"){
if(data5.length > 12){
const err11 = {instancePath:instancePath+"/pci/allow/" + i0,schemaPath:"#/properties/pci/properties/allow/items/maxLength",keyword:"maxLength",params:{limit: 12},message:"must NOT have more than 12 characters"};
if(vErrors === null){
vErrors = [err11];
}
else {
vErrors.push(err11);
}
errors++;
}
if(!pattern18.test(data5)){
const err12 = {instancePath:instancePath+"/pci/allow/" + i0,schemaPath:"#/properties/pci/properties/allow/items/pattern",keyword:"pattern",params:{pattern: "^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\\.[0-7]$"},message:"must match pattern \""+"^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\\.[0-7]$"+"\""};
if(vErrors === null){
vErrors = [err12];
}
else {
vErrors.push(err12);
}
errors++;
}
}
else {
const err13 = {instancePath:instancePath+"/pci/allow/" + i0,schemaPath:"#/properties/pci/properties/allow/items/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err13];
}
else {
vErrors.push(err13);
}
errors++;
}
}
}
else {
const err14 = {instancePath:instancePath+"/pci/allow",schemaPath:"#/properties/pci/properties/allow/type",keyword:"type",params:{type: "array"},message:"must be array"};
if(vErrors === null){
vErrors = [err14];
}
else {
vErrors.push(err14);
}
errors++;
}
}
if(data3.deny !== undefined){
let data6 = data3.deny;
if(Array.isArray(data6)){
if(data6.length > 1024){
const err15 = {instancePath:instancePath+"/pci/deny",schemaPath:"#/properties/pci/properties/deny/maxItems",keyword:"maxItems",params:{limit: 1024},message:"must NOT have more than 1024 items"};
if(vErrors === null){
vErrors = [err15];
}
else {
vErrors.push(err15);
}
errors++;
}
const len1 = data6.length;
for(let i1=0; i1<len1; i1++){
let data7 = data6[i1];
if(typeof data7 === "string"){
if(data7.length > 12){
const err16 = {instancePath:instancePath+"/pci/deny/" + i1,schemaPath:"#/properties/pci/properties/deny/items/maxLength",keyword:"maxLength",params:{limit: 12},message:"must NOT have more than 12 characters"};
if(vErrors === null){
vErrors = [err16];
}
else {
vErrors.push(err16);
}
errors++;
}
if(!pattern18.test(data7)){
const err17 = {instancePath:instancePath+"/pci/deny/" + i1,schemaPath:"#/properties/pci/properties/deny/items/pattern",keyword:"pattern",params:{pattern: "^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\\.[0-7]$"},message:"must match pattern \""+"^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\\.[0-7]$"+"\""};
if(vErrors === null){
vErrors = [err17];
}
else {
vErrors.push(err17);
}
errors++;
}
}
else {
const err18 = {instancePath:instancePath+"/pci/deny/" + i1,schemaPath:"#/properties/pci/properties/deny/items/type",keyword:"type",params:{type: "string"},message:"must be string"};
if(vErrors === null){
vErrors = [err18];
}
else {
vErrors.push(err18);
}
errors++;
}
}
}
else {
const err19 = {instancePath:instancePath+"/pci/deny",schemaPath:"#/properties/pci/properties/deny/type",keyword:"type",params:{type: "array"},message:"must be array"};
if(vErrors === null){
vErrors = [err19];
}
else {
vErrors.push(err19);
}
errors++;
}
}
}
else {
const err20 = {instancePath:instancePath+"/pci",schemaPath:"#/properties/pci/type",keyword:"type",params:{type: "object"},message:"must be object"};
if(vErrors === null){
vErrors = [err20];
}
else {
vErrors.push(err20);
}
errors++;
}
}
}
else {
const err21 = {instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"},message:"must be object"};
if(vErrors === null){
vErrors = [err21];
}
else {
vErrors.push(err21);
}
errors++;
}
validate12.errors = vErrors;
return errors === 0;
}

